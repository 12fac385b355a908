// The packages of npm that keep a JSON file: write-file-atomic, lowdb, conf.
// node npm.mjs --method M --work update --folder F --document D [--count N] [--warmup N]
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import Conf from 'conf';
import { Low } from 'lowdb';
import { JSONFile } from 'lowdb/node';
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
