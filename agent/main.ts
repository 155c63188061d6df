#!/usr/bin/env node
import { check } from './cli/check.ts'
import { client } from './cli/client.ts'
import { compact } from './cli/compact.ts'
import { decode } from './cli/decode.ts'
import { demo } from './cli/demo.ts'
import { leave } from './cli/leave.ts'
import { listen } from './cli/listen.ts'
import { replay } from './cli/replay.ts'
import { run } from './cli/run.ts'
import { queues } from './cli/queues.ts'
import { sms } from './cli/sms.ts'
import { subscriber } from './cli/subscriber.ts'
import { dispatch } from './cli/dispatch.ts'
import { version } from './cli/version.ts'

// What this process writes holds personal data: it is for this user alone.
process.umask(0o077)

// Which verb, then hand over.
leave(await dispatch([run, replay, decode, listen, queues, client, subscriber, sms, check, compact, demo, version], process.argv.slice(2)))
