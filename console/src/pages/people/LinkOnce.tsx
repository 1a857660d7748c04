/** A link that is shown once, in the dialog that made it. */
import { Button } from '../../ui/Button.tsx'
import { CopyLine } from '../../ui/parts.tsx'

type Props = { text: string; link: string; what: string; onClose: () => void }

export const LinkOnce = ({ text, link, what, onClose }: Props) => (
  <div className="stack">
    <p>{text}</p>
    <CopyLine text={link} what={what} />
    <div className="buttons">
      <Button kind="primary" onClick={onClose}>
        Done
      </Button>
    </div>
  </div>
)
