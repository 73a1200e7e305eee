import type { ServerResponse } from 'node:http'
import { sendHtml } from '../../http/response.js'
import { policyOf } from '../../pages/policy.js'
import type { Screen } from './screen.js'
import { shell, type ShellSetting } from './shell.js'

/** Sends a page. */
export function sendScreen(res: ServerResponse, screen: Screen, setting: ShellSetting): void {
  const { nonce } = setting
  const policy = policyOf({ nonce, images: [], isCustom: false, isFrameable: false })
  sendHtml(res, screen.status ?? 200, shell(screen, setting).toString(), policy, {
    // With `no-referrer`, browsers send `Origin: null` with forms. (Fetch Standard, 3.2)
    'Referrer-Policy': 'same-origin',
    ...screen.headers,
  })
}
