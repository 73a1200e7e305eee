/** Values of `headerPrefix` that stand for the headers of another product. */
export const headerPresets = ['oauth2-proxy', 'oauth2-proxy-nginx'] as const
/** Name of a preset. */
export type HeaderPreset = (typeof headerPresets)[number]

/** Whether `headerPrefix` is the name of a preset. */
export function isHeaderPreset(name: string): name is HeaderPreset {
  return headerPresets.some((preset) => preset === name)
}

/** Whether the option `headerPrefix` names a preset. */
export function isPreset(headerPrefix: string | false): boolean {
  return headerPrefix !== false && isHeaderPreset(headerPrefix)
}
