/** Values of `headerPrefix` that stand for the headers of another product. */
export const headerPresets = ['oauth2-proxy', 'oauth2-proxy-nginx'] as const
export type HeaderPreset = (typeof headerPresets)[number]

export function isHeaderPreset(name: string): name is HeaderPreset {
  return headerPresets.some((preset) => preset === name)
}
