import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { startVendor, type VendorServer } from '../../src/dev/vendors/index.js'
import { oidcOf, startGate, stopAll, stopping } from '../support/gate.js'
import { createBrowser } from '../support/jar.js'

let vendor: VendorServer

beforeAll(async () => {
  vendor = stopping(await startVendor('oidc'))
})
afterAll(stopAll)

const KHTML = '(KHTML, like Gecko)'
const WINDOWS = '(Windows NT 10.0; Win64; x64)'
const MAC = '(Macintosh; Intel Mac OS X 10_15_7)'
const mozilla = (rest: string) => `Mozilla/5.0 ${rest}`
const chrome = (version: number, more = '') =>
  mozilla(`${WINDOWS} AppleWebKit/537.36 ${KHTML} Chrome/${version}.0.0.0 Safari/537.36${more}`)
const firefox = (version: string, platform = 'Windows NT 10.0; Win64; x64') =>
  mozilla(`(${platform}; rv:${version}) Gecko/20100101 Firefox/${version}`)
const safari = (version: string) =>
  mozilla(`${MAC} AppleWebKit/605.1.15 ${KHTML} Version/${version} Safari/605.1.15`)
const iphone = (ios: string, rest: string) =>
  mozilla(`(iPhone; CPU iPhone OS ${ios} like Mac OS X) AppleWebKit/605.1.15 ${KHTML} ${rest}`)
const android = (version: number, more = '') =>
  mozilla(
    `(Linux; Android 10; K${more}) AppleWebKit/537.36 ${KHTML} Chrome/${version}.0.0.0 Mobile Safari/537.36`,
  )

type Visit = readonly [userAgent: string, address: string]
type Recording = readonly [name: string, visits: readonly Visit[], moves: number]

/** Every address with each of the user agents in turn. */
const along = (userAgents: readonly string[], addresses: readonly string[]): Visit[] =>
  addresses.map((address, index) => [userAgents[index % userAgents.length] ?? '', address])

/** Sequences of one person, and how many moves they report. */
const people: readonly Recording[] = [
  [
    'Chrome updates itself, while the browser runs',
    along(
      [chrome(129), chrome(130), chrome(131)],
      Array.from({ length: 9 }, () => '84.115.9.1'),
    ),
    0,
  ],
  [
    'Firefox ESR moves to the next long-term version',
    along(
      [firefox('115.0'), firefox('128.0'), firefox('140.0')],
      ['81.2.69.142', '81.2.69.142', '81.2.69.142'],
    ),
    0,
  ],
  [
    'Edge and Opera update, and their versions of Chrome as well',
    [
      [chrome(129, ' Edg/129.0.2792.65'), '81.2.69.142'],
      [chrome(130, ' Edg/130.0.2849.46'), '81.2.69.142'],
    ],
    0,
  ],
  [
    'Safari updates, and loads an icon and a video of the page',
    along(
      [
        safari('17.6'),
        'Safari/20621.1.15.11.10 CFNetwork/1568.200.51 Darwin/24.1.0',
        'AppleCoreMedia/1.0.0.24B83 (Macintosh; U; Intel Mac OS X 15_1; en_us)',
        safari('18.1'),
      ],
      ['81.2.69.142', '81.2.69.142', '81.2.69.142', '81.2.69.142'],
    ),
    0,
  ],
  [
    'a link in an app on an iPhone, whose views have user agents of their own',
    along(
      [
        iphone('17_6_1', 'Version/17.6 Mobile/15E148 Safari/604.1'),
        iphone('17_6_1', 'Mobile/15E148'),
        iphone('17_6_1', 'Mobile/15E148 [FBAN/FBIOS;FBAV/485.0.0.0;FBDV/iPhone15,2;FBMD/iPhone]'),
        iphone('18_1', 'Version/18.1 Mobile/15E148 Safari/604.1'),
      ],
      ['109.43.176.1', '109.43.176.1', '89.247.161.4', '80.187.65.12'],
    ),
    0,
  ],
  [
    'the view of an app on Android, and the browser',
    along(
      [android(129), android(130, '; wv'), android(130)],
      ['46.114.1.2', '176.6.2.3', '82.113.98.7', '46.114.9.9'],
    ),
    0,
  ],
  [
    'happy eyeballs: each request over IPv4 or IPv6, as it connects first',
    along(
      [chrome(130)],
      [
        '91.64.10.20',
        '2a02:8109:b540:5600:1c2d:3e4f:5a6b:7c8d',
        '91.64.10.20',
        '2a02:8109:b540:5600:99aa:bbcc:ddee:ff00',
        '91.64.10.20',
      ],
    ),
    0,
  ],
  [
    'the carrier-grade NAT of a provider at home, with a few addresses of one network',
    along([chrome(130)], ['100.64.1.1', '185.104.138.5', '185.104.140.77', '185.104.139.2']),
    0,
  ],
  [
    'a phone on a train: Wi-Fi, two carriers, IPv6',
    along(
      [android(130)],
      [
        '91.64.10.20',
        '46.114.1.2',
        '80.187.65.12',
        '2a01:598:b000:1::1',
        '195.37.1.2',
        '109.43.176.1',
      ],
    ),
    0,
  ],
  [
    'a laptop from home to the office and back, twice',
    along([chrome(130)], ['91.64.10.20', '194.25.0.60', '91.64.10.20', '194.25.0.60']),
    1,
  ],
  [
    'the VPN of a company, on and off many times',
    along(
      [firefox('128.0')],
      ['91.64.10.20', '165.225.72.9', '91.64.10.20', '165.225.72.44', '91.64.10.20'],
    ),
    1,
  ],
  [
    'a proxy of a company with exits in many networks: a few reports, then none',
    along(
      [chrome(130)],
      [
        ...['165.225.72.9', '147.161.170.1', '136.226.1.2', '185.46.212.3', '104.129.192.4'],
        ...['8.25.203.5', '165.225.72.9', '64.74.126.6', '147.161.170.1', '198.14.64.7'],
      ],
    ),
    3,
  ],
  [
    'iCloud Private Relay for an hour: addresses of three operators, of both kinds',
    along(
      [safari('18.1')],
      [
        ...['104.28.30.10', '2a09:bac2:1e4a:fa::1', '104.28.99.200', '172.225.4.1', '104.28.30.12'],
        ...['146.75.134.8', '172.225.9.7', '2a02:26f7:c4c4:4000::2', '146.75.138.1'],
        ...['172.226.20.3', '140.248.36.9', '104.28.30.1', '2a04:4e41:3e1b::7', '172.224.240.4'],
      ],
    ),
    5,
  ],
  [
    'a router whose provider assigns an address of another network each night: three reports in weeks',
    along(
      [chrome(129), chrome(130)],
      Array.from({ length: 14 }, (_, night) => `${79 + night * 7}.${200 + night}.4.${night}`),
    ),
    3,
  ],
]

const VICTIM: Visit = [chrome(130), '91.64.10.20']
/** Sequences with a thief, and how many moves are reported when the thief uses the cookie. */
const thieves: readonly Recording[] = [
  ['a script on a server', [VICTIM, ['python-requests/2.32.3', '45.83.64.1'], VICTIM], 1],
  ['curl in the same network', [VICTIM, ['curl/8.5.0', '91.64.10.20']], 1],
  [
    'a headless browser',
    [VICTIM, [chrome(130).replace('Chrome', 'HeadlessChrome'), '45.83.64.1']],
    1,
  ],
  ['the same browser on a server', [VICTIM, [chrome(130), '45.83.64.1'], VICTIM], 1],
  [
    'the same platform, another browser, the same network',
    [VICTIM, [firefox('131.0'), '91.64.10.20']],
    1,
  ],
  [
    'the same browser on another platform',
    [VICTIM, [chrome(130).replace(WINDOWS, MAC), '91.64.10.20']],
    1,
  ],
  ['the cookie of a phone in a browser of a computer', [[android(130), '46.114.1.2'], VICTIM], 1],
  ['a client that sends no user agent', [VICTIM, ['', '91.64.10.20']], 1],
  [
    'a thief who follows the user through two networks',
    [VICTIM, [chrome(130), '194.25.0.60'], VICTIM, [chrome(130), '45.83.64.1']],
    2,
  ],
  ['another provider of IPv6', [...along([chrome(130)], ['2a02:8109::1', '2a0e:97c0::1'])], 1],
]

/** What is documented as not noticed. */
const unnoticed: readonly Recording[] = [
  ['the same browser in the same network', [VICTIM, [chrome(129), '91.64.77.1']], 0],
  ['the first use over IPv6', [VICTIM, [chrome(130), '2a0e:97c0::1']], 0],
  ['the same kind of phone elsewhere', along([android(130)], ['46.114.1.2', '45.83.64.1']), 0],
  [
    'a session that was in four networks',
    along([chrome(130)], ['91.64.1.1', '194.25.0.60', '165.225.72.9', '80.64.1.1', '45.83.64.1']),
    3,
  ],
]

const lists: [string, readonly Recording[]][] = [
  ['a person causes few reports', people],
  ['a thief is reported', thieves],
  ['what is documented as unnoticed', unnoticed],
]

describe.each(lists)('%s', (_list, recordings) => {
  test.each(recordings)('%s', async (_name, visits, moves) => {
    const gate = await startGate(
      { provider: { idp: oidcOf(vendor) } },
      { before: (app) => app.set('trust proxy', 'loopback') },
    )
    const reported: string[] = []
    gate.middleware.on('moved', ({ parts, to }) =>
      reported.push(`${parts.join()} ${to.family} ${to.network}`),
    )
    const browser = createBrowser()
    for (const [userAgent, address] of visits) {
      const headers = { 'User-Agent': userAgent || undefined, 'X-Forwarded-For': address }
      expect((await browser.get(gate.url('/'), { headers })).status).toBe(200)
    }
    expect([reported.length, reported]).toEqual([moves, reported])
  })
})
