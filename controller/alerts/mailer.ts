/** Hands a mail to the operator's mail server (BERTH_SMTP_URL). */
import type { MailConfig } from '#core/runtime/config.ts'

export type Mail = { to: string[]; subject: string; text: string }
export type Mailer = {
  /** @returns the addresses that the server refused @throws when it took none, or could not be reached */
  send(mail: Mail): Promise<string[]>
  stop(): void
}

const PATIENCE_MS = 15_000

/** @param ca PEM bundle of those who vouch for the server; null: those that Node trusts */
export function createMailer({ host, port, secure, auth, from }: MailConfig, ca: string | null): Mailer {
  // Loaded where there is a mail server: a tenth of a second of CPU at each start, of which most have none.
  const opened = import('nodemailer').then(({ createTransport }) =>
    createTransport({
      host,
      port,
      secure,
      // A password goes over the wire only under TLS.
      requireTLS: auth !== null && !secure,
      ...(auth ? { auth } : {}),
      ...(ca === null ? {} : { tls: { ca } }),
      connectionTimeout: PATIENCE_MS,
      greetingTimeout: PATIENCE_MS,
      socketTimeout: 2 * PATIENCE_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    }),
  )
  return {
    async send({ to, subject, text }) {
      const transport = await opened
      const sent = (await transport.sendMail({
        from,
        // Those who are written to need not know of each other.
        ...(to.length === 1 ? { to } : { to: 'undisclosed-recipients:;', bcc: to }),
        subject,
        text,
        // RFC 3834 §5: no holiday notes, please.
        headers: { 'Auto-Submitted': 'auto-generated' },
      })) as { rejected?: unknown[] }
      return (sent.rejected ?? []).map(String)
    },
    stop: () => void opened.then((transport) => transport.close()),
  }
}
