/** From nothing to a first app: by a push of one's own, or by one of our templates. */
import './first-app.css'
import { useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import type { AppView, DeployView } from '../../../../core/contract/api.ts'
import type { TemplatesView } from '../../../../core/contract/tools.ts'
import { useAction } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { useList } from '../../api/lists.ts'
import { useGet } from '../../api/queries.ts'
import { useSession, whyNot } from '../../api/session.ts'
import { appPath } from '../../text/attention.ts'
import { Button } from '../../ui/Button.tsx'
import { NameField, SelectField } from '../../ui/fields.tsx'
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

export function FirstApp() {
  const templates = useGet<TemplatesView>('/v1/templates', { optional: true }).data?.templates ?? []
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
          <NameField label="Name" placeholder="my-app" value={name} onChange={setName} />
          <TenantField value={tenant} onChange={setTenant} />
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

function TenantField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { operator, memberships } = useSession()
  const listed = useList<{ id: string }>(operator ? '/v1/tenants' : null, 'tenants', {
    all: true,
    optional: true,
  }).items
  const options = listed?.map((tenant) => tenant.id) ?? memberships.map(({ tenant }) => tenant)
  if (options.length < 2) return null
  const isMember = memberships.some(({ tenant }) => tenant === value)
  return (
    <SelectField
      label="Tenant"
      value={value}
      onChange={onChange}
      options={[...(isMember ? [] : ([['', 'Default']] as const)), ...options]}
    />
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

function ByTemplate({ templates }: TemplatesView) {
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
        {templates.map(({ name, title, summary, language }) => (
          <li key={name}>
            <span className="grow">
              <span className="strong">{title}</span> <span className="small faint">{language}</span>
              <span className="small quiet block">{summary}</span>
            </span>
            <Button size="small" icon="deploy" busy={busy === name} onClick={() => void action.run(name)}>
              Deploy
              <span className="sr-only"> {title}</span>
            </Button>
          </li>
        ))}
      </ul>
    </Card>
  )
}

/** A deploy that brings the template to the app is there as soon as the app is: it is what one wants to see. */
async function deployTemplate(template: string): Promise<{ app: string; deploy: string | null }> {
  const { name } = await call<AppView>('POST', '/v1/apps', { body: { template } })
  const { deploys } = await call<{ deploys: DeployView[] }>('GET', `/v1/apps/${part(name)}/deploys`)
  return { app: name, deploy: deploys[0]?.id ?? null }
}
