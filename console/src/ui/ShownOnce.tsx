/** A link or a token that is shown once, in the dialog that made it. */
import { Button } from './Button.tsx'
import { CopyLine } from './parts.tsx'

type Props = { text: string; secret: string; what: string; onClose: () => void }

export const ShownOnce = ({ text, secret, what, onClose }: Props) => (
  <div className="stack">
    <p>{text}</p>
    <CopyLine text={secret} what={what} />
    <div className="buttons">
      <Button kind="primary" onClick={onClose}>
        Done
      </Button>
    </div>
  </div>
)
