/** One's own account: who one is, how one signs in and where one is signed in, and to what one belongs. */
import { useEffect } from 'react'
import { Link } from 'wouter'
import type { UserView } from '../../../../core/contract/identity.ts'
import { useGet } from '../../api/queries.ts'
import { useSession } from '../../api/session.ts'
import { Ago, Card, Failed, Loading, Notice, PageHead, Tag } from '../../ui/parts.tsx'
import { Belongs } from './Belongs.tsx'
import { Name } from './Name.tsx'
import { Password } from './Password.tsx'
import { SecondFactor } from './SecondFactor.tsx'
import { Sessions } from './Sessions.tsx'

export function AccountPage() {
  const { byToken, email } = useSession()
  useEffect(() => {
    document.title = 'Your account · Berth'
  }, [])
  return (
    <>
      <PageHead title="Your account" />
      {byToken || email === null ? <Nobody byToken={byToken} /> : <Person />}
      {!byToken && <Sessions />}
      <Also />
    </>
  )
}

/** Whoever is here without an account: by a token, or as the built-in operator. */
function Nobody({ byToken }: { byToken: boolean }) {
  const { actor, operator, readOnly, memberships } = useSession()
  const what = operator ? 'an operator' : memberships.map(({ tenant, role }) => `${role} of ${tenant}`).join(', ')
  return (
    <>
      <Notice>
        {byToken
          ? 'You are here by an API token, until you reload the page. To change an account, sign in with its password.'
          : 'You are the built-in operator, who has no account. Make yourself one on the page People.'}
      </Notice>
      <Card title="You">
        <dl className="pairs">
          <dt>Signed in as</dt>
          <dd className="strong">{actor}</dd>
          <dt>You are</dt>
          <dd>{what || 'in no tenant'}</dd>
          {readOnly && (
            <>
              <dt>You may</dt>
              <dd>only read</dd>
            </>
          )}
        </dl>
      </Card>
    </>
  )
}

function Person() {
  const { data, error, isLoading, again } = useGet<UserView>('/v1/account')
  if (error) return <Failed error={error} again={again} />
  if (isLoading || !data) return <Loading lines={6} />
  return (
    <>
      <div className="columns two">
        <Card title="You">
          <div className="stack">
            <dl className="pairs">
              <dt>E-mail</dt>
              <dd>
                {data.email} {data.operator && <Tag tone="accent">Operator</Tag>}
              </dd>
              <dt>Since</dt>
              <dd>
                <Ago at={data.createdAt} />
              </dd>
            </dl>
            <Name key={data.name} name={data.name} />
          </div>
        </Card>
        <Belongs account={data} />
      </div>
      <div className="columns two">
        <Password isNew={!data.password} />
        <SecondFactor isOn={data.totp} />
      </div>
    </>
  )
}

const Also = () => (
  <Card title="Tokens and keys" flush>
    <ul className="list">
      <li>
        <Link href="/settings#tokens">
          <span className="grow">
            <span className="strong">API tokens</span>
            <span className="small quiet block">For programs that work with the API, or push, in your stead.</span>
          </span>
        </Link>
      </li>
      <li>
        <Link href="/settings#keys">
          <span className="grow">
            <span className="strong">SSH keys</span>
            <span className="small quiet block">For git over SSH.</span>
          </span>
        </Link>
      </li>
    </ul>
  </Card>
)
