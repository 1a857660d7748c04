/** What the simulated API says of people: accounts, invitations, members, and somebody's own account. */
import { Router, type Request } from 'express'
import type {
  InvitationCreated,
  InvitationView,
  LoginLinkView,
  MembersView,
  OwnSessionsView,
  RecoveryCodesView,
  TotpBegun,
  UserView,
} from '#core/contract/identity.ts'
import { Refusal } from './index.ts'
import { callerOf, type People, type Somebody } from './sessions.ts'

const ago = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString()

const strangers: UserView[] = [
  person('Mei Tanaka', 'mei@kestrel.example', { memberships: [{ tenant: 'kestrel', role: 'owner' }], totp: true }, 3),
  person('Sam Obi', 'sam@lighthouse.example', {
    memberships: [
      { tenant: 'lighthouse', role: 'owner' },
      { tenant: 'tidewater', role: 'viewer' },
    ],
  }),
  person('Noor Haddad', 'noor@berth.example', { operator: true, memberships: [], totp: false }, 90),
]

function person(name: string, email: string, fields: Partial<UserView>, seen: number | null = null): UserView {
  return {
    id: `u-${name}`,
    email,
    name,
    operator: false,
    memberships: [],
    password: true,
    totp: false,
    createdAt: ago(2400),
    lastLoginAt: seen === null ? null : ago(seen),
    ...fields,
  }
}

export function peopleRoutes(people: People): Router {
  const router = Router()
  const invitations: InvitationView[] = [
    {
      id: 'n-1',
      email: 'lena@berth.example',
      tenant: null,
      role: null,
      operator: true,
      invitedBy: 'Ana Keller',
      createdAt: ago(20),
      expiresAt: ago(-52),
    },
  ]
  let strange = strangers
  const known = (): UserView[] => [...people.known.map(accountOf), ...strange]
  const find = (req: Request): UserView => {
    const user = known().find(({ id }) => id === req.params.person)
    if (!user) throw new Refusal(404, 'NOT_FOUND', `There is no account ${String(req.params.person)}.`)
    return user
  }
  router.use(['/users', '/invitations'], (req, _res, next) => {
    if (!callerOf(req).operator) throw new Refusal(403, 'FORBIDDEN', "This needs an operator's token.")
    next()
  })

  router.get('/users', (_req, res) => res.json({ users: known().sort((a, b) => a.email.localeCompare(b.email)) }))
  router.post('/users', (req, res) => {
    const { email, name = email } = req.body as { email: string; name?: string }
    const made = person(name, email, {})
    strange = [...strange, made]
    res.status(201).json(made)
  })
  router.patch('/users/:person', (req, res) => res.json(Object.assign(find(req), req.body)))
  router.delete('/users/:person', (req, res) => {
    const { id } = find(req)
    strange = strange.filter((user) => user.id !== id)
    res.status(204).end()
  })
  router.post('/users/:person/login-links', (req, res) => {
    find(req)
    const link: LoginLinkView = { url: 'https://console.berth.example/login?once=x7', code: 'x7', expiresAt: ago(-1) }
    res.status(201).json(link)
  })
  for (const what of ['totp', 'sessions'])
    router.delete(`/users/:person/${what}`, (req, res) => {
      find(req)
      res.status(204).end()
    })

  router.get('/invitations', (_req, res) => res.json({ invitations }))
  router.post('/invitations', (req, res) => {
    const { email } = req.body as { email: string }
    const { name: invitedBy } = callerOf(req)
    const id = `n-${invitations.length + 1}`
    const made = {
      id,
      email,
      tenant: null,
      role: null,
      operator: true,
      invitedBy,
      createdAt: ago(0),
      expiresAt: ago(-72),
    }
    invitations.push(made)
    const created: InvitationCreated = { ...made, code: 'c', url: 'https://console.berth.example/login?invitation=c' }
    res.status(201).json(created)
  })
  router.delete('/invitations/:invitation', (req, res) => {
    invitations.splice(
      invitations.findIndex(({ id }) => id === req.params.invitation),
      1,
    )
    res.status(204).end()
  })

  router.get('/tenants/:tenant/members', (_req, res) => res.json(members))
  router.get('/tenants/:tenant/invitations', (_req, res) => res.json({ invitations: [] }))
  return router
}

const members: MembersView = {
  hasOwner: true,
  members: [
    { user: named('Ana Keller', 'ana@northwind.example'), role: 'owner', lastLoginAt: ago(2) },
    { user: named('Jonas Weber', 'jonas@northwind.example'), role: 'member', lastLoginAt: ago(26) },
    { user: named('Vera Lang', 'viewer@northwind.example'), role: 'viewer', lastLoginAt: null },
  ],
}

function named(name: string, email: string) {
  return { id: `u-${name}`, name, email }
}

const accountOf = ({ name, email, operator, memberships, totp }: Somebody): UserView =>
  person(name, email, { operator, memberships, totp: totp !== undefined }, 2)

export function accountRoutes(): Router {
  const router = Router()
  router.get('/account', (req, res) => res.json(accountOf(callerOf(req))))
  router.patch('/account', (req, res) => {
    callerOf(req).name = (req.body as { name: string }).name
    res.json(accountOf(callerOf(req)))
  })
  router.delete('/account/memberships/:membership', (req, res) => {
    const somebody = callerOf(req)
    somebody.memberships = somebody.memberships.filter(({ tenant }) => tenant !== req.params.membership)
    res.status(204).end()
  })
  router.get('/account/sessions', (_req, res) => {
    const linux = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
    const phone =
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Safari/604.1'
    const view: OwnSessionsView = {
      sessions: [
        { id: 's1', current: true, createdAt: ago(4), seenAt: ago(0), address: '203.0.113.7', client: linux },
        { id: 's2', current: false, createdAt: ago(210), seenAt: ago(19), address: '198.51.100.20', client: phone },
      ],
    }
    res.json(view)
  })
  router.delete('/account/sessions', (_req, res) => void res.status(204).end())
  router.post('/account/totp', (_req, res) => {
    const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
    const begun: TotpBegun = {
      secret,
      uri: `otpauth://totp/Berth:ana%40northwind.example?secret=${secret}&issuer=Berth`,
    }
    res.json(begun)
  })
  router.post('/account/totp/confirm', (req, res) => {
    const { code } = req.body as { code: string }
    if (code !== '123456') throw new Refusal(401, 'WRONG_TOTP', 'This code is not valid now.')
    callerOf(req).totp = code
    res.json({ recoveryCodes: ['4f2k-9dx1', 'p0aa-77mq', 'z3ce-1r8t'] } satisfies RecoveryCodesView)
  })
  return router
}
