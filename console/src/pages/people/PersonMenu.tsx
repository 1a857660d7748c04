/** What an operator can do for, or with, somebody's account. */
import { useState } from 'react'
import { Menu } from '@base-ui/react/menu'
import type { LoginLinkView, UserView } from '../../../../core/contract/identity.ts'
import { sentenceOf } from '../../api/actions.ts'
import { call, part } from '../../api/client.ts'
import { refresh } from '../../api/queries.ts'
import { useSession } from '../../api/session.ts'
import { Confirm, Modal } from '../../ui/Dialogs.tsx'
import { Icon } from '../../ui/Icon.tsx'
import { say, sayFailed } from '../../ui/toasts.tsx'
import { ShownOnce } from '../../ui/ShownOnce.tsx'

type Question = 'factor' | 'sessions' | 'operator' | 'remove'

export function PersonMenu({ user }: { user: UserView }) {
  const [question, setQuestion] = useState<Question | null>(null)
  const [link, setLink] = useState<string | null>(null)
  const path = `/v1/users/${part(user.id)}`
  const makeLink = (): void => {
    call<LoginLinkView>('POST', `${path}/login-links`).then(
      ({ url }) => setLink(url),
      (error: unknown) => sayFailed(sentenceOf(error)),
    )
  }
  return (
    <>
      <Menu.Root>
        <Menu.Trigger className="button plain icon small" aria-label={`What to do with ${user.email}`}>
          <Icon name="more" />
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner className="menu-positioner" align="end" sideOffset={4}>
            <Menu.Popup className="menu">
              <Menu.Item className="menu-item" onClick={makeLink}>
                Make a login link
              </Menu.Item>
              <Menu.Item className="menu-item" disabled={!user.totp} onClick={() => setQuestion('factor')}>
                Take the second factor away
              </Menu.Item>
              <Menu.Item className="menu-item" onClick={() => setQuestion('sessions')}>
                Sign out everywhere
              </Menu.Item>
              <Menu.Item className="menu-item" onClick={() => setQuestion('operator')}>
                {user.operator ? 'No operator any more' : 'Make an operator'}
              </Menu.Item>
              <Menu.Item className="menu-item bad" onClick={() => setQuestion('remove')}>
                Remove the account
              </Menu.Item>
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      {question !== null && <Ask question={question} user={user} path={path} onClose={() => setQuestion(null)} />}
      {link !== null && (
        <Modal open onClose={() => setLink(null)} title={`A login link for ${user.email}`}>
          <ShownOnce
            text="It signs them in once, also to set a new password. It is shown only now."
            secret={link}
            what="the login link"
            onClose={() => setLink(null)}
          />
        </Modal>
      )}
    </>
  )
}

type AskProps = { question: Question; user: UserView; path: string; onClose: () => void }

function Ask({ question, user: { email, operator }, path, onClose }: AskProps) {
  const isSelf = useSession().email === email
  const change = async (method: 'DELETE' | 'PATCH', to: string, body?: object): Promise<void> => {
    await call(method, to, body === undefined ? {} : { body })
    await refresh('/v1/users')
  }
  const asked = {
    factor: {
      title: `Take the second factor of ${email} away?`,
      effect: (
        <p>For somebody who lost their authenticator. Their password alone signs them in, and they are signed out.</p>
      ),
      verb: 'Take it away',
      done: `${email} has no second factor any more.`,
      work: () => change('DELETE', `${path}/totp`),
    },
    sessions: {
      title: `Sign ${email} out everywhere?`,
      effect: <p>All of their sessions end at once.{isSelf && ' This one, too.'}</p>,
      verb: 'Sign them out',
      done: `${email} is signed out.`,
      work: () => change('DELETE', `${path}/sessions`),
    },
    operator: {
      title: operator ? `Let ${email} operate no more?` : `Make ${email} an operator?`,
      effect: operator ? (
        <p>They keep what they are in tenants, and lose everything else at once.</p>
      ) : (
        <p>They see and change everything: hosts, tenants and their secrets. They need a second factor for it.</p>
      ),
      verb: operator ? 'Take it away' : 'Make them an operator',
      done: operator ? `${email} operates no more.` : `${email} is an operator.`,
      work: () => change('PATCH', path, { operator: !operator }),
    },
    remove: {
      title: `Remove the account ${email}?`,
      effect: <p>Their sessions, tokens and SSH keys end at once. What they deployed stays.</p>,
      verb: 'Remove it',
      done: `${email} is removed.`,
      work: () => change('DELETE', path),
    },
  }[question]
  const { done, ...said } = asked
  return (
    <Confirm
      {...said}
      open
      onClose={onClose}
      {...(question === 'sessions' ? {} : { name: email })}
      onDone={() => say(done)}
    />
  )
}
