import type { Effect } from './signal-events.js'
import { CAEP, RISC, SSF } from './transmitter.js'

/** An example of a specification: the claims of a token, as they are printed there. */
export interface SignalExample {
  /** Specification and section. */
  source: string
  claims: Record<string, unknown> & { iss: string; aud: string | string[]; iat: number }
  effect: Effect
  /** Who is signed in: members of the account at the provider. */
  user: { id?: string; email?: string; sid?: string }
  /** What the hint of the signal says. */
  hint?: RegExp
}

const SESSION = 'dMTlD|1600802906337.16|16008.16'
const JANE = 'jane.smith@example.com'

const caep = (claims: Record<string, unknown>, idp = '123456789', sp = 'sp.example.com') => ({
  iss: `https://idp.example.com/${idp}/`,
  jti: '24c63fb56e5a2d77a6b512616ca9fa24',
  iat: 1615305159,
  aud: `https://${sp}/caep`,
  txn: '8675309',
  ...claims,
})

const issSub = (sub: string, idp: string) => ({
  format: 'iss_sub',
  iss: `https://idp.example.com/${idp}/`,
  sub,
})

const TENANT = { format: 'opaque', id: '123456789' }
const event_timestamp = 1615304991

/** CAEP 1.0, 3 */
const caepExamples: SignalExample[] = [
  {
    source: 'CAEP 3.1.1: session revoked, a session by its ID',
    claims: caep({
      sub_id: { format: 'opaque', id: SESSION },
      events: { [`${CAEP}session-revoked`]: { event_timestamp } },
    }),
    user: { sid: SESSION },
    effect: 'ends',
  },
  {
    source: 'CAEP 3.1.1: session revoked, session, user and tenant',
    claims: caep({
      sub_id: {
        format: 'complex',
        session: { format: 'opaque', id: SESSION },
        user: issSub('99beb27c-c1c2-4955-882a-e0dc4996fcbc', '123456789'),
        tenant: TENANT,
      },
      events: {
        [`${CAEP}session-revoked`]: {
          initiating_entity: 'policy',
          reason_admin: { en: 'Landspeed Policy Violation: C076E82F' },
          reason_user: {
            en: 'Access attempt from multiple regions.',
            'es-410': 'Intento de acceso desde varias regiones.',
          },
          event_timestamp,
        },
      },
    }),
    user: { id: '99beb27c-c1c2-4955-882a-e0dc4996fcbc', sid: SESSION },
    effect: 'ends',
  },
  {
    source: 'CAEP 3.1.1: session revoked, user, device and tenant',
    claims: caep({
      sub_id: {
        format: 'complex',
        user: issSub(JANE, '123456789'),
        device: issSub('e9297990-14d2-42ec-a4a9-4036db86509a', '123456789'),
        tenant: TENANT,
      },
      events: {
        [`${CAEP}session-revoked`]: {
          initiating_entity: 'policy',
          reason_admin: { en: 'Policy Violation: C076E822' },
          reason_user: {
            en: 'This device is no longer compliant.',
            it: 'Questo dispositivo non è più conforme.',
          },
          event_timestamp,
        },
      },
    }),
    user: { id: JANE },
    effect: 'ends',
    hint: /do not show the device/,
  },
  {
    source: 'CAEP 3.2.1: token claims change, a JWT by its ID',
    claims: caep(
      {
        jti: '9afce1e4e642b165fcaacdd0e7aa4903',
        sub_id: {
          format: 'jwt_id',
          iss: 'https://idp.example.com/987654321/',
          jti: 'f61t6e20zdo3px56gepu8rzlsp4c1dpc0fx7',
        },
        events: {
          [`${CAEP}token-claims-change`]: { event_timestamp, claims: { role: 'ro-admin' } },
        },
      },
      '987654321',
      'sp.example2.net',
    ),
    user: {},
    effect: 'nothing',
    hint: /cannot be mapped to users: jwt_id/,
  },
  {
    source: 'CAEP 3.2.1: token claims change, a SAML assertion',
    claims: caep(
      {
        jti: 'dae94fed5f459881efa38b65c6772ddc',
        sub_id: {
          format: 'saml_assertion_id',
          issuer: 'https://idp.example.com/987654321/',
          assertion_id: '_a75adf55-01d7-dbd8372ebdfc',
        },
        events: {
          [`${CAEP}token-claims-change`]: {
            event_timestamp,
            claims: { 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims/role': 'ro-admin' },
          },
        },
      },
      '987654321',
      'sp.example2.net',
    ),
    user: {},
    effect: 'nothing',
    hint: /cannot be mapped to users: saml_assertion_id/,
  },
  {
    source: 'CAEP 3.3.1: credential change',
    claims: caep(
      {
        jti: '07efd930f0977e4fcc1149a733ce7f78',
        sub_id: issSub(JANE, '3456789'),
        events: {
          [`${CAEP}credential-change`]: {
            credential_type: 'fido2-roaming',
            change_type: 'create',
            fido2_aaguid: 'accced6a-63f5-490a-9eea-e59bc1896cfc',
            friendly_name: "Jane's USB authenticator",
            initiating_entity: 'user',
            reason_admin: { en: 'User self-enrollment' },
            event_timestamp,
          },
        },
      },
      '3456789',
      'sp.example2.net',
    ),
    user: { id: JANE },
    effect: 'checks',
  },
  {
    source: 'CAEP 3.4.1: assurance level change',
    claims: caep(
      {
        jti: '07efd930f0977e4fcc1149a733ce7f78',
        sub_id: issSub(JANE, '3456789'),
        events: {
          [`${CAEP}assurance-level-change`]: {
            namespace: 'NIST-AAL',
            current_level: 'nist-aal2',
            previous_level: 'nist-aal1',
            change_direction: 'increase',
            initiating_entity: 'user',
            event_timestamp,
          },
        },
      },
      '3456789',
      'sp.example2.net',
    ),
    user: { id: JANE },
    effect: 'checks',
  },
  {
    source: 'CAEP 3.5.1: device compliance change, a device without a user',
    claims: caep({
      sub_id: {
        format: 'complex',
        device: issSub('e9297990-14d2-42ec-a4a9-4036db86509a', '123456789'),
        tenant: TENANT,
      },
      events: {
        [`${CAEP}device-compliance-change`]: {
          current_status: 'not-compliant',
          previous_status: 'compliant',
          initiating_entity: 'policy',
          reason_admin: { en: 'Location Policy Violation: C076E8A3' },
          reason_user: { en: 'Device is no longer in a trusted location.' },
          event_timestamp,
        },
      },
    }),
    user: { id: 'e9297990-14d2-42ec-a4a9-4036db86509a' },
    effect: 'nothing',
    hint: /cannot be mapped to users: device, tenant/,
  },
  {
    source: 'CAEP 3.6.1: session established',
    claims: caep({
      sub_id: { format: 'email', email: 'someuser@somedomain.com' },
      events: {
        [`${CAEP}session-established`]: {
          fp_ua: 'abb0b6e7da81a42233f8f2b1a8ddb1b9a4c81611',
          acr: 'AAL2',
          amr: ['otp'],
          event_timestamp,
        },
      },
    }),
    user: { email: 'someuser@somedomain.com' },
    effect: 'nothing',
  },
  {
    source: 'CAEP 3.7.1: session presented',
    claims: caep({
      sub_id: { format: 'email', email: 'someuser@somedomain.com' },
      events: {
        [`${CAEP}session-presented`]: {
          fp_ua: 'abb0b6e7da81a42233f8f2b1a8ddb1b9a4c81611',
          ext_id: '12345',
          event_timestamp,
        },
      },
    }),
    user: { email: 'someuser@somedomain.com' },
    effect: 'nothing',
  },
  {
    source: 'CAEP 3.8.1: risk level change, whose subject is of another issuer than the token',
    claims: caep({
      sub_id: issSub('jane.doe@example.com', '3456789'),
      events: {
        [`${CAEP}risk-level-change`]: {
          current_level: 'LOW',
          previous_level: 'HIGH',
          event_timestamp,
          principal: 'USER',
          risk_reason: 'PASSWORD_FOUND_IN_DATA_BREACH',
        },
      },
    }),
    user: { id: 'jane.doe@example.com' },
    effect: 'nothing',
  },
]

const risc = (iat: number, claims: Record<string, unknown>) => ({
  iss: 'https://idp.example.com/',
  jti: '756E69717565206964656E746966696572',
  iat,
  aud: '636C69656E745F6964',
  ...claims,
})

const SUBJECT = { format: 'iss_sub', iss: 'https://idp.example.com/', sub: '7375626A656374' }

/** RISC 1.0, 2 */
const riscExamples: SignalExample[] = [
  {
    source: 'RISC 2.1: account credential change required',
    claims: risc(1508184845, {
      sub_id: SUBJECT,
      events: { [`${RISC}account-credential-change-required`]: {} },
    }),
    user: { id: '7375626A656374' },
    effect: 'checks',
  },
  {
    source: 'RISC 2.3: account disabled',
    claims: risc(1508184845, {
      sub_id: SUBJECT,
      events: { [`${RISC}account-disabled`]: { reason: 'hijacking' } },
    }),
    user: { id: '7375626A656374' },
    effect: 'ends',
  },
  {
    source: 'RISC 2.5: identifier changed',
    claims: risc(1508184845, {
      sub_id: { format: 'email', email: 'john.doe@example.com' },
      events: { [`${RISC}identifier-changed`]: { 'new-value': 'john.roe@example.com' } },
    }),
    user: { email: 'john.doe@example.com' },
    effect: 'checks',
  },
  {
    source: 'RISC 2.6: identifier recycled',
    claims: risc(1508184845, {
      sub_id: { format: 'email', email: 'foo@example.com' },
      events: { [`${RISC}identifier-recycled`]: {} },
    }),
    user: { email: 'foo@example.com' },
    effect: 'ends',
  },
  {
    source: 'RISC 2.7: credential compromise',
    claims: {
      ...risc(1508184845, {}),
      iss: 'https://idp.example.com/3456790/',
      aud: 'https://sp.example2.net/caep',
      sub_id: issSub('joe.smith@example.com', '3456790'),
      events: { [`${RISC}credential-compromise`]: { credential_type: 'password' } },
    },
    user: { id: 'joe.smith@example.com' },
    effect: 'ends',
  },
]

const ssf = (claims: Record<string, unknown>) =>
  risc(1520364019, { txn: '8675309', ...claims }) as SignalExample['claims']

/** SSF 1.0, 4.2 */
const ssfExamples: SignalExample[] = [
  {
    source: 'SSF: a subject with an email address',
    claims: ssf({
      sub_id: { format: 'email', email: 'foo@example.com' },
      events: { [`${RISC}account-enabled`]: {} },
    }),
    user: { email: 'foo@example.com' },
    effect: 'checks',
  },
  {
    source: 'SSF: a subject with a telephone number',
    claims: ssf({
      sub_id: { format: 'phone_number', phone_number: '+1 206 555 0123' },
      events: { [`${RISC}account-disabled`]: { reason: 'hijacking' } },
    }),
    user: {},
    effect: 'nothing',
    hint: /cannot be mapped to users: phone_number/,
  },
  {
    source: 'SSF: an event about claims',
    claims: ssf({
      sub_id: { format: 'email', email: 'user@example.com' },
      events: { [`${CAEP}token-claims-change`]: { claims: { token: 'some-token-value' } } },
    }),
    user: { email: 'user@example.com' },
    effect: 'checks',
  },
  {
    source: 'SSF: a complex subject, whose user is of another issuer than the token',
    claims: ssf({
      sub_id: {
        format: 'complex',
        user: issSub(JANE, '3957ea72-1b66-44d6-a044-d805712b9288'),
        device: issSub(
          'e9297990-14d2-42ec-a4a9-4036db86509a',
          '3957ea72-1b66-44d6-a044-d805712b9288',
        ),
      },
      events: {
        [`${CAEP}session-revoked`]: {
          initiating_entity: 'policy',
          reason_admin: { en: 'Policy Violation: C076E82F' },
          reason_user: { en: 'Land speed violation.', es: 'Violación de velocidad en tierra.' },
          event_timestamp: 1600975810,
        },
      },
    }),
    user: { id: JANE },
    effect: 'nothing',
  },
  {
    source: 'SSF: a service provider as transmitter',
    claims: {
      ...ssf({}),
      iss: 'https://sp.example2.com/',
      sub_id: { format: 'email', email: 'foo@example2.com' },
      events: {
        [`${CAEP}token-claims-change`]: {
          event_timestamp: 1600975810,
          claims: { role: 'ro-admin' },
        },
      },
    },
    user: { email: 'foo@example2.com' },
    effect: 'checks',
  },
  {
    source: 'SSF: a format of its own',
    claims: {
      iss: 'https://myservice.example3.com/',
      jti: '756E69717565206964656E746966696534',
      iat: 15203800012,
      txn: '8675309',
      aud: '636C69656E745F6324',
      sub_id: { format: 'catalog_item', catalog_id: 'c0384/winter/2354122' },
      events: {
        [`${CAEP}token-claims-change`]: {
          event_timestamp: 1600975810,
          claims: { role: 'ro-admin' },
        },
      },
    },
    user: {},
    effect: 'nothing',
    hint: /cannot be mapped to users: catalog_item/,
  },
  {
    source: 'SSF 8.1.5: the stream was paused',
    claims: {
      jti: '123456',
      iss: 'https://transmitter.example.com',
      aud: 'receiver.example.com',
      iat: 1493856000,
      sub_id: { format: 'opaque', id: 'f67e39a0a4d34d56b3aa1bc4cff0069f' },
      events: { [`${SSF}stream-updated`]: { status: 'paused', reason: 'Internal error' } },
    },
    user: {},
    effect: 'nothing',
  },
]

const FEEDS = [
  'https://scim.example.com/Feeds/98d52461fa5bbc879593b7754',
  'https://scim.example.com/Feeds/5d7604516b1d08641d7676ee7',
]

/** RFC 8417, 2.1, and Google's page on Cross-Account Protection */
const otherExamples: SignalExample[] = [
  {
    source: 'RFC 8417 2.1.1: SCIM',
    claims: {
      iss: 'https://scim.example.com',
      iat: 1458496404,
      jti: '4d3559ec67504aaba65d40b0363faad8',
      aud: FEEDS,
      events: {
        'urn:ietf:params:scim:event:create': {
          ref: 'https://scim.example.com/Users/44f6142df96bd6ab61e7521d9',
          attributes: ['id', 'name', 'userName', 'password', 'emails'],
        },
      },
    },
    user: { id: '44f6142df96bd6ab61e7521d9' },
    effect: 'nothing',
  },
  {
    source: 'RFC 8417 2.1.1: SCIM with an extension',
    claims: {
      iss: 'https://scim.example.com',
      iat: 1458505044,
      jti: '3d0c3cf797584bd193bd0fb1bd4e7d30',
      aud: FEEDS,
      sub: 'https://scim.example.com/Users/44f6142df96bd6ab61e7521d9',
      events: {
        'urn:ietf:params:scim:event:passwordReset': { id: '44f6142df96bd6ab61e7521d9' },
        'https://example.com/scim/event/passwordResetExt': { resetAttempts: 5 },
      },
    },
    user: { id: 'https://scim.example.com/Users/44f6142df96bd6ab61e7521d9' },
    effect: 'nothing',
  },
  {
    source: 'RFC 8417 2.1.2: a logout token',
    claims: {
      iss: 'https://server.example.com',
      sub: '248289761001',
      aud: 's6BhdRkqt3',
      iat: 1471566154,
      jti: 'bWJq',
      sid: '08a5019c-17e1-4977-8f42-65a12843ea02',
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
    },
    user: { id: '248289761001' },
    effect: 'nothing',
  },
  {
    source: 'RFC 8417 2.1.3: consent',
    claims: {
      iss: 'https://my.med.example.org',
      iat: 1458496025,
      jti: 'fb4e75b5411e4e19b6c0fe87950f7749',
      aud: ['https://rp.example.com'],
      events: {
        'https://openid.net/heart/specs/consent.html': {
          iss: 'https://connect.example.com',
          sub: '248289761001',
          consentUri: ['https://terms.med.example.org/labdisclosure.html#Agree'],
        },
      },
    },
    user: { id: '248289761001' },
    effect: 'nothing',
  },
  {
    source: 'RFC 8417 2.1.4 and RFC 8935 2.1: RISC, with the subject in the event',
    claims: risc(1508184845, {
      events: {
        [`${RISC}account-disabled`]: {
          subject: {
            subject_type: 'iss-sub',
            iss: 'https://idp.example.com/',
            sub: '7375626A656374',
          },
          reason: 'hijacking',
        },
      },
    }),
    user: { id: '7375626A656374' },
    effect: 'ends',
  },
  {
    source: "Google's Cross-Account Protection: account disabled",
    claims: {
      iss: 'https://accounts.google.com/',
      aud: '123456789-abcedfgh.apps.googleusercontent.com',
      iat: 1508184845,
      jti: '756E69717565206964656E746966696572',
      events: {
        [`${RISC}account-disabled`]: {
          subject: {
            subject_type: 'iss-sub',
            iss: 'https://accounts.google.com/',
            sub: '7375626A656374',
          },
          reason: 'hijacking',
        },
      },
    },
    user: { id: '7375626A656374' },
    effect: 'ends',
  },
]

/** The examples that the specifications print, with the time at which they were issued. */
export const SIGNAL_EXAMPLES: readonly SignalExample[] = [
  ...caepExamples,
  ...riscExamples,
  ...ssfExamples,
  ...otherExamples,
]

/** RFC 8935, 2.1 (Figure 1): signed with a key that only its parties know. */
export const PUSHED_EXAMPLE = [
  'eyJ0eXAiOiJzZWNldmVudCtqd3QiLCJhbGciOiJIUzI1NiJ9Cg',
  'eyJpc3MiOiJodHRwczovL2lkcC5leGFtcGxlLmNvbS8iLCJqdGkiOiI3NTZFNjk' +
    '3MTc1NjUyMDY5NjQ2NTZFNzQ2OTY2Njk2NTcyIiwiaWF0IjoxNTA4MTg0ODQ1LC' +
    'JhdWQiOiI2MzZDNjk2NTZFNzQ1RjY5NjQiLCJldmVudHMiOnsiaHR0cHM6Ly9zY' +
    '2hlbWFzLm9wZW5pZC5uZXQvc2VjZXZlbnQvcmlzYy9ldmVudC10eXBlL2FjY291' +
    'bnQtZGlzYWJsZWQiOnsic3ViamVjdCI6eyJzdWJqZWN0X3R5cGUiOiJpc3Mtc3V' +
    'iIiwiaXNzIjoiaHR0cHM6Ly9pZHAuZXhhbXBsZS5jb20vIiwic3ViIjoiNzM3NT' +
    'YyNkE2NTYzNzQifSwicmVhc29uIjoiaGlqYWNraW5nIn19fQ',
  'Y4rXxMD406P2edv00cr9Wf3_XwNtLjB9n-jTqN1_lLc',
].join('.')
