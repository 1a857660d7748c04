/** Events, newest first: when, of what, and what happened, with the last output where it helps. */
import './events.css'
import { Link } from 'wouter'
import type { EventView } from '../../../core/contract/api.ts'
import { appPath } from '../text/attention.ts'
import { eventTone, eventWord } from '../text/words.ts'
import { Ansi } from './Ansi.tsx'
import { Ago, Status } from './parts.tsx'

type Event = EventView & { app?: string }
/** @property ofApps of several, so that each says of which */
type ListProps = { events: Event[]; ofApps?: boolean; withOutput?: boolean }

export const EventList = ({ events, ofApps = false, withOutput = false }: ListProps) => (
  <ol className="events">
    {events.map((event) => (
      <li key={`${event.at} ${event.kind} ${event.instance} ${event.text}`}>
        <span className="what">
          <Status word={{ text: eventWord(event), tone: eventTone(event) }} />
        </span>
        <span className="text">
          {ofApps && event.app !== undefined && (
            <>
              <Link href={`${appPath(event.app)}/events`} className="strong">
                {event.app}
              </Link>{' '}
            </>
          )}
          {event.process !== null && <code>{event.process}</code>} {event.text}
          {event.actor !== null && <span className="faint"> by {event.actor}</span>}
          {withOutput && event.lastOutput.length > 0 && (
            <pre className="output" tabIndex={0} aria-label="Last output">
              {event.lastOutput.map((line, index) => (
                <div key={index}>
                  <Ansi line={line} />
                </div>
              ))}
            </pre>
          )}
        </span>
        <span className="small faint when">
          <Ago at={event.at} />
        </span>
      </li>
    ))}
  </ol>
)
