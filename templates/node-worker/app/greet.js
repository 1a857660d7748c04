// A job ends by itself; see its runs with: berth cron
console.log(`${process.env.GREETING ?? 'Hello'} from a job`)
