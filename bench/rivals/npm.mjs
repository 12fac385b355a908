// The packages of npm that keep a JSON file: write-file-atomic, lowdb, conf.
// proper-lockfile and write-file-atomic for several processes.
// node npm.mjs --method M --work update --folder F --document D [--count N] [--warmup N]
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import Conf from 'conf';
import { Low } from 'lowdb';
import { JSONFile } from 'lowdb/node';
import lockfile from 'proper-lockfile';
import writeFileAtomic from 'write-file-atomic';

const args = new Map();
for (let i = 2; i + 1 < process.argv.length; i += 2) args.set(process.argv[i], process.argv[i + 1]);
const folder = args.get('--folder');
const value = JSON.parse(fs.readFileSync(args.get('--document'), 'utf8'));

const writers = {
  'write-file-atomic': () => {
    const file = path.join(folder, 'hot.json');
    return async (data) => { await writeFileAtomic(file, JSON.stringify(data)); };
  },
  lowdb: () => {
    const database = new Low(new JSONFile(path.join(folder, 'hot.json')), {});
    return async (data) => { database.data = data; await database.write(); };
  },
  conf: () => {
    const store = new Conf({ cwd: folder, configName: 'hot', projectName: 'bench' });
    return async (data) => { store.store = data; };
  },
};

// Each process says that it is ready, waits for a message, and updates the document `count` times.
async function update(file, revision) {
  const release = await lockfile.lock(file, { retries: { retries: 10_000, minTimeout: 1, maxTimeout: 20 } });
  const data = JSON.parse(fs.readFileSync(file, 'utf8'));
  data.revision = revision;
  await writeFileAtomic(file, JSON.stringify(data));
  await release();
}

async function processes() {
  const file = path.join(folder, 'hot.json');
  const each = Number(args.get('--count') ?? 10);
  if (process.send) {
    for (let i = 0; i < Number(args.get('--warmup') ?? 2); ++i) await update(file, i);
    process.send('ready');
    await once(process, 'message');
    for (let i = 0; i < each; ++i) await update(file, i);
    process.disconnect();
    return;
  }
  fs.writeFileSync(file, JSON.stringify(value));
  const number = Number(args.get('--threads') ?? 1);
  const children = Array.from({ length: number }, () => fork(fileURLToPath(import.meta.url), process.argv.slice(2)));
  await Promise.all(children.map((child) => once(child, 'message')));
  const start = process.hrtime.bigint();
  for (const child of children) child.send('go');
  const codes = await Promise.all(children.map((child) => once(child, 'exit')));
  if (codes.some(([code]) => code !== 0)) throw new Error('a process failed');
  console.log(JSON.stringify({
    count: each * number,
    mean_ns: Number(process.hrtime.bigint() - start) / (each * number),
  }));
}

if (args.get('--work') === 'processes') {
  await processes();
  process.exit(0);
}

const writtenBytes = () =>
  Number(/^write_bytes: (\d+)/m.exec(fs.readFileSync('/proc/self/io', 'utf8'))[1]);

const write = writers[args.get('--method')]();
const operation = async () => { value.revision += 1; await write(value); };
const count = Number(args.get('--count') ?? 10);
for (let i = 0; i < Number(args.get('--warmup') ?? 2); ++i) await operation();
const times = [];
const before = writtenBytes();
for (let i = 0; i < count; ++i) {
  const start = process.hrtime.bigint();
  await operation();
  times.push(Number(process.hrtime.bigint() - start));
}
const written = (writtenBytes() - before) / count;
times.sort((a, b) => a - b);
console.log(JSON.stringify({
  count,
  written_bytes: written,
  mean_ns: times.reduce((sum, time) => sum + time, 0) / count,
  median_ns: times[Math.floor(count / 2)],
  max_ns: times[count - 1],
}));
