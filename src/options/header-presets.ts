/** Values of `headerPrefix` that stand for the headers of another product. */
export const headerPresets = ['oauth2-proxy', 'oauth2-proxy-nginx'] as const
/** Name of a preset. */
export type HeaderPreset = (typeof headerPresets)[number]

/** Whether `headerPrefix` is the name of a preset. */
export function isHeaderPreset(name: string): name is HeaderPreset {
  return headerPresets.some((preset) => preset === name)
}
