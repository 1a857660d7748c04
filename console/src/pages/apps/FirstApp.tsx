/** From nothing to a first app: by a push of one's own, or by one of our templates. */
import './first-app.css'
import { useEffect, useId, useState } from 'react'
import { useLocation } from 'wouter'
import type { AppView } from '../../../../core/contract/api.ts'
import { useAction } from '../../api/actions.ts'
import { call } from '../../api/client.ts'
import { useGet } from '../../api/queries.ts'
import { useSession, whyNot } from '../../api/session.ts'
import { appPath } from '../../text/attention.ts'
import { Button } from '../../ui/Button.tsx'
import { Card, CopyLine, Notice, PageHead } from '../../ui/parts.tsx'

export function NewApp() {
  useEffect(() => {
    document.title = 'New app · Berth'
  }, [])
  return (
    <>
      <PageHead title="New app" />
      <FirstApp />
    </>
  )
}

/** One of `GET /v1/templates`, as far as it matters here. */
type Template = { name: string; title?: string; description?: string; summary?: string; language?: string }

export function FirstApp() {
  const templates = useGet<{ templates: Template[] }>('/v1/templates', { optional: true }).data?.templates ?? []
  return (
    <div className={`columns ${templates.length > 0 ? 'two' : ''}`}>
      <ByPush />
      {templates.length > 0 && <ByTemplate templates={templates} />}
    </div>
  )
}

function ByPush() {
  const session = useSession()
  const [, go] = useLocation()
  const [name, setName] = useState('')
  const [tenant, setTenant] = useState(session.memberships[0]?.tenant ?? '')
  const [nameId, tenantId] = [useId(), useId()]
  const action = useAction(async () => {
    const body = { ...(name === '' ? {} : { name }), ...(tenant === '' ? {} : { tenant }) }
    // Its own page goes on from here: this one may be gone as soon as the app is known.
    go(appPath((await call<AppView>('POST', '/v1/apps', { body })).name))
  })
  const why = session.operator ? null : whyNot(session, 'write', tenant || null)
  return (
    <Card title="Push your code">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void action.run()
        }}
      >
        <p className="quiet">
          Name an app, push a git repository to it, and it is built and runs at an address of its own. Node.js, Python,
          Ruby, PHP, Go, Java and static sites are recognised by their files.
        </p>
        <div className="pair-fields">
          <div className="field">
            <label htmlFor={nameId}>Name</label>
            <input
              id={nameId}
              className="input mono"
              placeholder="my-app"
              maxLength={30}
              autoComplete="off"
              spellCheck={false}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          </div>
          <TenantField id={tenantId} value={tenant} onChange={setTenant} />
        </div>
        {action.error !== null && <Notice tone="bad">{action.error}</Notice>}
        <div>
          <Button type="submit" kind="primary" busy={action.busy} why={why}>
            Make the app
          </Button>
        </div>
      </form>
    </Card>
  )
}

function TenantField({ id, value, onChange }: { id: string; value: string; onChange: (value: string) => void }) {
  const { operator, memberships } = useSession()
  const listed = useGet<{ tenants: { id: string }[] }>(operator ? '/v1/tenants' : null, { optional: true }).data
  const options = listed?.tenants.map((tenant) => tenant.id) ?? memberships.map(({ tenant }) => tenant)
  if (options.length < 2) return null
  return (
    <div className="field">
      <label htmlFor={id}>Tenant</label>
      <select id={id} className="input" value={value} onChange={(event) => onChange(event.target.value)}>
        {!memberships.some(({ tenant }) => tenant === value) && <option value="">Default</option>}
        {options.map((option) => (
          <option key={option}>{option}</option>
        ))}
      </select>
    </div>
  )
}

export const PushSteps = ({ app: { gitUrl } }: { app: AppView }) => (
  <ol className="steps">
    <li>
      <span>Name the app as a remote</span>
      <CopyLine text={`git remote add berth ${gitUrl}`} what="the first step" />
    </li>
    <li>
      <span>Push; the build and the rollout are told while they happen. The password is an API token.</span>
      <CopyLine text="git push berth main" what="the second step" />
    </li>
  </ol>
)

function ByTemplate({ templates }: { templates: Template[] }) {
  const [, go] = useLocation()
  const [busy, setBusy] = useState<string | null>(null)
  const action = useAction(async (template: string) => {
    setBusy(template)
    try {
      const { app, deploy } = await deployTemplate(template)
      go(deploy === null ? appPath(app) : `${appPath(app)}/deploys/${deploy}`)
    } finally {
      setBusy(null)
    }
  })
  return (
    <Card title="Or begin with a template" flush>
      {action.error !== null && (
        <div className="body">
          <Notice tone="bad">{action.error}</Notice>
        </div>
      )}
      <ul className="list templates">
        {templates.map(({ name, title, description, summary }) => (
          <li key={name}>
            <span className="grow">
              <span className="strong">{title ?? name}</span>
              <span className="small quiet block">{description ?? summary}</span>
            </span>
            <Button size="small" icon="deploy" busy={busy === name} onClick={() => void action.run(name)}>
              Deploy
              <span className="sr-only"> {title ?? name}</span>
            </Button>
          </li>
        ))}
      </ul>
    </Card>
  )
}

/** The answer says which app was made, and which deploy brings the template to it. */
async function deployTemplate(template: string): Promise<{ app: string; deploy: string | null }> {
  const made = await call<{ name?: string; app?: AppView | string; deploy?: { id: string } }>('POST', '/v1/apps', {
    body: { template },
  })
  const app = made.name ?? (typeof made.app === 'string' ? made.app : made.app?.name) ?? ''
  return { app, deploy: made.deploy?.id ?? null }
}
