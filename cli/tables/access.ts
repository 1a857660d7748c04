/** The command table's rows for who may what: logging in, tokens, members, invitations, accounts. */
import type { CommandSpec } from '../program.ts'

const ofTenant: [string, string] = ['--tenant <id>', 'which tenant, if you belong to several']
const forced: [string, string] = ['--force', 'also if that leaves a tenant without an owner (operators)']
const byPassword: [string, string][] = [
  ['--email <address>', 'the e-mail address of your account'],
  ['--totp <code>', 'the code of your authenticator app, or a recovery code'],
]

const loggingIn: CommandSpec[] = [
  {
    name: 'login',
    group: 'Session',
    summary: 'Log in with a token, or with e-mail address and password; both end as a saved token',
    options: [
      ['--api-url <url>', 'where the API is'],
      ['--token <token>', 'the token; others on this machine can see it here, so better pipe it in or type it'],
      ...byPassword,
      ['--expires <time>', 'how long the token lives that a password gets, like 12h or 30d (30d)'],
    ],
    examples: [
      'login',
      'login --email ann@example.com --api-url https://berth.example.com',
      'login < /var/lib/berth/operator-token',
    ],
    load: async () => (await import('../commands/session.ts')).login,
  },
  {
    name: 'login:link',
    group: 'Operators',
    summary: 'Make a link that signs you in to the console once, within ten minutes',
    examples: ['login:link'],
    load: async () => (await import('../commands/session.ts')).link,
  },
  {
    name: 'logout',
    group: 'Session',
    summary: 'Forget the saved token, and revoke it if it was made for this machine',
    examples: ['logout'],
    load: async () => (await import('../commands/session.ts')).logout,
  },
  {
    name: 'whoami',
    group: 'Session',
    summary: 'Show who you are to the API, and what you may do',
    examples: ['whoami', 'whoami --json'],
    load: async () => (await import('../commands/session.ts')).whoami,
  },
  {
    name: 'account',
    group: 'Session',
    summary: 'Show your account',
    examples: ['account'],
    load: async () => (await import('../commands/account.ts')).show,
  },
  {
    name: 'account:password',
    group: 'Session',
    summary: 'Change your password; you are signed out everywhere else',
    options: byPassword,
    examples: ['account:password'],
    load: async () => (await import('../commands/account.ts')).password,
  },
  {
    name: 'account:totp',
    group: 'Session',
    summary: 'Use an authenticator app as a second factor, which operators need',
    options: byPassword,
    examples: ['account:totp'],
    load: async () => (await import('../commands/account.ts')).totp,
  },
  {
    name: 'account:totp:disable',
    group: 'Session',
    summary: 'Use the authenticator app no more',
    options: byPassword,
    examples: ['account:totp:disable --email ann@example.com'],
    load: async () => (await import('../commands/account.ts')).disableTotp,
  },
  {
    name: 'account:sessions',
    group: 'Session',
    summary: 'List the browsers that you are signed in with',
    options: byPassword,
    examples: ['account:sessions'],
    load: async () => (await import('../commands/account.ts')).sessions,
  },
  {
    name: 'account:sessions:end',
    group: 'Session',
    args: '[id]',
    summary: 'Sign out one browser, or all of them',
    options: byPassword,
    examples: ['account:sessions:end', 'account:sessions:end s-0123456789abcdef'],
    load: async () => (await import('../commands/account.ts')).endSessions,
  },
]

const tokens: CommandSpec[] = [
  {
    name: 'tokens',
    group: 'Tokens',
    aliases: ['tokens:list'],
    summary: 'List the API tokens that concern you',
    examples: ['tokens'],
    load: async () => (await import('../commands/tokens.ts')).list,
  },
  {
    name: 'tokens:create',
    group: 'Tokens',
    args: '<description>',
    summary: 'Create an API token, and show it this once',
    options: [
      ofTenant,
      ['--for-app <app>', 'for this app alone'],
      ['--role <role>', 'viewer, member or owner (as you are)'],
      ['--read-only', 'for looking alone'],
      ['--expires <time>', 'how long it lives, like 12h or 90d (until it is revoked)'],
      ['--operator', 'allow everything (operators)'],
    ],
    examples: [
      'tokens:create ci --for-app hello --expires 90d',
      'tokens:create dashboard --read-only',
      'tokens:create "acme, first token" --tenant acme',
    ],
    load: async () => (await import('../commands/tokens.ts')).create,
  },
  {
    name: 'tokens:revoke',
    group: 'Tokens',
    args: '<id>',
    summary: 'End the validity of an API token, and what it has open',
    examples: ['tokens:revoke t-abcdefghijklm'],
    load: async () => (await import('../commands/tokens.ts')).revoke,
  },
]

const members: CommandSpec[] = [
  {
    name: 'members',
    group: 'People',
    aliases: ['members:list'],
    summary: 'List who belongs to your tenant',
    options: [ofTenant],
    examples: ['members', 'members --tenant acme'],
    load: async () => (await import('../commands/members.ts')).list,
  },
  {
    name: 'members:add',
    group: 'People',
    args: '<email>',
    summary: 'Put an account into a tenant (operators; owners invite)',
    options: [ofTenant, ['--role <role>', 'viewer, member or owner (member)']],
    examples: ['members:add ann@example.com --tenant acme --role owner'],
    load: async () => (await import('../commands/members.ts')).add,
  },
  {
    name: 'members:role',
    group: 'People',
    args: '<email> <role>',
    summary: 'Give a member another role: viewer, member or owner',
    options: [ofTenant, forced],
    examples: ['members:role ann@example.com owner'],
    load: async () => (await import('../commands/members.ts')).changeRole,
  },
  {
    name: 'members:remove',
    group: 'People',
    args: '<email>',
    summary: 'Take somebody out of a tenant, with the tokens and keys',
    options: [ofTenant, forced],
    examples: ['members:remove ann@example.com'],
    load: async () => (await import('../commands/members.ts')).remove,
  },
  {
    name: 'invite',
    group: 'People',
    aliases: ['members:invite'],
    args: '<email>',
    summary: 'Invite somebody to your tenant; the link is shown this once, and is good for a week',
    options: [
      ofTenant,
      ['--role <role>', 'viewer, member or owner (member)'],
      ['--operator', 'to operate the platform instead (operators)'],
    ],
    examples: [
      'invite ann@example.com',
      'invite bob@example.com --role viewer --tenant acme',
      'invite root@example.com --operator',
    ],
    load: async () => (await import('../commands/members.ts')).invite,
  },
  {
    name: 'invitations',
    group: 'People',
    aliases: ['invitations:list'],
    summary: 'List the invitations that nobody has accepted yet',
    options: [ofTenant, ['--all', 'of all tenants, and of operators (operators)']],
    examples: ['invitations', 'invitations --all'],
    load: async () => (await import('../commands/members.ts')).invitations,
  },
  {
    name: 'invitations:revoke',
    group: 'People',
    args: '<id>',
    summary: 'Take an invitation back',
    options: [ofTenant, ['--all', 'of any tenant, or of an operator (operators)']],
    examples: ['invitations:revoke n-abcdefghijklm'],
    load: async () => (await import('../commands/members.ts')).revokeInvitation,
  },
]

const users: CommandSpec[] = [
  {
    name: 'users',
    group: 'Operators',
    aliases: ['users:list'],
    summary: 'List the accounts',
    examples: ['users'],
    load: async () => (await import('../commands/users.ts')).list,
  },
  {
    name: 'users:create',
    group: 'Operators',
    args: '<email>',
    summary: 'Make an account, and a link by which its owner sets the password',
    options: [
      ['--name <name>', 'what the person is called'],
      ['--operator', 'may operate the platform'],
    ],
    examples: ['users:create ann@example.com --name "Ann Example"'],
    load: async () => (await import('../commands/users.ts')).create,
  },
  {
    name: 'users:set',
    group: 'Operators',
    args: '<email>',
    summary: 'Change an account',
    options: [
      ['--name <name>', 'what the person is called'],
      ['--operator', 'may operate the platform'],
      ['--no-operator', 'may not'],
    ],
    examples: ['users:set ann@example.com --operator', 'users:set ann@example.com --no-operator'],
    load: async () => (await import('../commands/users.ts')).set,
  },
  {
    name: 'users:link',
    group: 'Operators',
    args: '<email>',
    summary: 'Make a link that signs somebody in once, who forgot the password',
    examples: ['users:link ann@example.com'],
    load: async () => (await import('../commands/users.ts')).link,
  },
  {
    name: 'users:reset-totp',
    group: 'Operators',
    args: '<email>',
    summary: "Take away somebody's second factor, who lost it",
    examples: ['users:reset-totp ann@example.com'],
    load: async () => (await import('../commands/users.ts')).resetTotp,
  },
  {
    name: 'users:logout',
    group: 'Operators',
    args: '<email>',
    summary: 'Sign somebody out of all browsers',
    examples: ['users:logout ann@example.com'],
    load: async () => (await import('../commands/users.ts')).endSessions,
  },
  {
    name: 'users:remove',
    group: 'Operators',
    args: '<email>',
    summary: 'Remove an account with its sessions, tokens and keys',
    options: [forced],
    examples: ['users:remove ann@example.com'],
    load: async () => (await import('../commands/users.ts')).remove,
  },
]

export const accessCommands: CommandSpec[] = [...loggingIn, ...tokens, ...members, ...users]
