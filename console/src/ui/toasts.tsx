/** What was done, in a sentence, for a few seconds. */
import { Toast } from '@base-ui/react/toast'
import { Button } from './Button.tsx'

const manager = Toast.createToastManager()

export const say = (text: string): void => void manager.add({ description: text, timeout: 5000 })
export const sayFailed = (text: string): void =>
  void manager.add({ description: text, type: 'bad', priority: 'high', timeout: 12_000 })

export const Toasts = () => (
  <Toast.Provider toastManager={manager}>
    <Toast.Portal>
      <Toast.Viewport className="toasts">
        <List />
      </Toast.Viewport>
    </Toast.Portal>
  </Toast.Provider>
)

function List() {
  const { toasts, close } = Toast.useToastManager()
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className="toast" data-type={toast.type}>
      <Toast.Description render={<p />}>{toast.description}</Toast.Description>
      <Button icon="close" kind="plain" size="small" label="Dismiss" onClick={() => close(toast.id)} />
    </Toast.Root>
  ))
}
