/** A real terminal around a command, as Python's pty makes one. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** What is typed when the text before it is seen; `resize` gives the terminal another size. */
export type Step = [seen: string, typed: string]

const script = `
import fcntl, os, pty, select, struct, sys, termios, time
steps, argv = eval(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    time.sleep(0.2)
    os.execvp(argv[0], argv)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 40, 100, 0, 0))
shown, since, until = b'', 0, time.time() + 90
while time.time() < until:
    if not select.select([fd], [], [], 0.2)[0]:
        continue
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    shown += data
    while steps and steps[0][0].encode() in shown[since:]:
        since = shown.index(steps[0][0].encode(), since) + len(steps[0][0])
        what = steps.pop(0)[1]
        if what == 'resize':
            fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', 50, 99, 0, 0))
        else:
            os.write(fd, what.encode())
if time.time() >= until:
    os.kill(pid, 9)
sys.stdout.write(shown.decode(errors='replace'))
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
`

/** Of 40 x 100 characters. @returns all that was shown, and how the command ended */
export async function inTerminal(
  argv: string[],
  steps: Step[],
  env: NodeJS.ProcessEnv,
): Promise<{ shown: string; code: number | null }> {
  const child = spawn('python3', ['-c', script, JSON.stringify(steps), ...argv], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let shown = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (shown += data.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { shown, code }
}
