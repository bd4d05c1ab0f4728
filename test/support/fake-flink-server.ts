/** A Flink session cluster of the REST interface only: jars, jobs by caller-chosen id, refusal of a twin, cancel, stop with savepoint. */
import { startTestServer } from './http-server.js';
import type { TestAnswer, TestRequest, TestServer } from './http-server.js';

export interface FakeFlinkJob {
  jid: string;
  name: string;
  state: string;
  tasks: Record<string, number>;
  stacktrace?: string;
  checkpoint?: string;
  restarts: number;
}

/** As Flink answers about a trigger. */
export interface FakeSavepoint {
  status: { id: 'IN_PROGRESS' | 'COMPLETED' };
  operation?: { location?: string; 'failure-cause'?: { class: string; 'stack-trace': string } } | null;
}

export interface FakeFlink extends TestServer {
  /** By trigger id; a stop begins one that stays IN_PROGRESS until the test says otherwise, at the latest in `onStop`. */
  savepoints: Map<string, FakeSavepoint>;
  onStop: ((job: FakeFlinkJob, triggerId: string) => void) | undefined;
  jobs: Map<string, FakeFlinkJob>;
  /** Ids ever accepted; Flink refuses them for good, also when it has forgotten the job. */
  accepted: string[];
  jars: { id: string; name: string }[];
  /** Answers before anything else when it returns something. */
  fault: ((request: TestRequest) => TestAnswer | undefined) | undefined;
}

/** How a main class fails once it runs. */
function failureOf(entryClass: string): Partial<FakeFlinkJob> {
  const failed = { state: 'FAILED', tasks: { total: 1, failed: 1 } };
  if (entryClass.endsWith('Hungry')) {
    return {
      ...failed,
      stacktrace: 'x.JobException: Recovery is suppressed\nCaused by: java.lang.OutOfMemoryError: Java heap space',
    };
  }
  if (entryClass.endsWith('Killed'))
    return { ...failed, stacktrace: 'java.lang.ArithmeticException: / by zero\n\tat a.B.c(B.java:1)' };
  return {};
}

/**
 * Main classes with a meaning: `Broken` fails in its main method, `Greedy` asks for more slots than there are, `Hungry` and
 * `Killed` fail after their start; others run.
 */
export async function startFakeFlink(): Promise<FakeFlink> {
  const jobs = new Map<string, FakeFlinkJob>();
  const accepted: string[] = [];
  const jars: { id: string; name: string }[] = [];
  const savepoints = new Map<string, FakeSavepoint>();
  const error = (status: number, text: string): TestAnswer => ({ status, json: { errors: [text] } });

  function run(body: { jobId: string; entryClass: string; programArgsList: string[] }): TestAnswer {
    if (body.entryClass.endsWith('Broken')) {
      return error(
        400,
        'org.apache.flink.runtime.rest.handler.RestHandlerException: Could not execute application.\n' +
          '\tat a.B.c(B.java:1)\n' +
          'Caused by: org.apache.flink.client.program.ProgramInvocationException: The main method caused an error\n' +
          'Caused by: org.apache.flink.table.api.ValidationException: Table sales does not exist',
      );
    }
    if (accepted.includes(body.jobId)) {
      return error(
        400,
        'org.apache.flink.runtime.rest.handler.RestHandlerException: Could not execute application.\n' +
          'Caused by: org.apache.flink.client.program.ProgramInvocationException: The main method caused an error\n' +
          'Caused by: org.apache.flink.client.deployment.application.DuplicateApplicationSubmissionException: Application has already been submitted.',
      );
    }
    const document = JSON.parse(body.programArgsList[1] ?? '{}') as { tag?: string; name?: string };
    accepted.push(body.jobId);
    const greedy = body.entryClass.endsWith('Greedy');
    jobs.set(body.jobId, {
      jid: body.jobId,
      name: `${document.tag ?? ''} ${document.name ?? ''}`,
      state: 'RUNNING',
      tasks: greedy ? { total: 9, scheduled: 9 } : { total: 1, running: 1 },
      restarts: 0,
      ...failureOf(body.entryClass),
    });
    return { json: { jobid: body.jobId } };
  }

  function ofJob(job: FakeFlinkJob, request: TestRequest, part: string, trigger: string): TestAnswer {
    if (part === 'stop') {
      const { triggerId } = JSON.parse(request.body.toString('utf8')) as { triggerId: string };
      if (!savepoints.has(triggerId)) savepoints.set(triggerId, { status: { id: 'IN_PROGRESS' }, operation: null });
      flink.onStop?.(job, triggerId);
      return { status: 202, json: { 'request-id': triggerId } };
    }
    if (part === 'savepoints') {
      const savepoint = savepoints.get(trigger);
      return savepoint === undefined ? error(404, `no operation of trigger ${trigger}`) : { json: savepoint };
    }
    if (request.method === 'PATCH') {
      Object.assign(job, { state: 'CANCELED', tasks: { total: 1, canceled: 1 } });
      return { status: 202, json: {} };
    }
    if (part === 'exceptions') {
      const entry = { exceptionName: 'x', stacktrace: job.stacktrace, timestamp: 1, taskName: 'task' };
      return { json: { exceptionHistory: { entries: job.stacktrace === undefined ? [] : [entry], truncated: false } } };
    }
    if (part === 'checkpoints') {
      const completed = job.checkpoint === undefined ? null : { id: 7, external_path: job.checkpoint };
      return {
        json: {
          counts: { completed: completed ? 7 : 0, failed: 0, in_progress: 0 },
          latest: { completed, savepoint: null },
        },
      };
    }
    if (part === 'metrics') return { json: [{ id: 'numRestarts', value: String(job.restarts) }] };
    const states = Object.entries(job.tasks).filter(([state]) => state !== 'total');
    const tasks = Object.fromEntries(states.map(([state, count]) => [state.toUpperCase(), count]));
    return {
      json: { jid: job.jid, name: job.name, state: job.state, 'start-time': 1, 'end-time': -1, vertices: [{ tasks }] },
    };
  }

  const server = await startTestServer((request) => {
    const fault = flink.fault?.(request);
    if (fault !== undefined) return fault;
    const [first, id, last, trigger] = request.path.split('/').filter((part) => part !== '');
    if (first === 'overview') return { json: { 'flink-version': '2.3.0' } };
    if (first === 'jars' && id === undefined) return { json: { files: jars } };
    if (first === 'jars' && id === 'upload') {
      const name = /filename="([^"]+)"/.exec(request.body.toString('latin1'))?.[1] ?? 'unnamed';
      jars.push({ id: `${jars.length}_${name}`, name });
      return { json: { filename: `/uploads/${jars.length - 1}_${name}`, status: 'success' } };
    }
    if (first === 'jars' && last === 'run')
      return run(JSON.parse(request.body.toString('utf8')) as Parameters<typeof run>[0]);
    if (first === 'jobs' && id === 'overview') {
      return { json: { jobs: [...jobs.values()].map((job) => ({ ...job, 'start-time': 1 })) } };
    }
    const job = first === 'jobs' && id !== undefined ? jobs.get(id) : undefined;
    return job === undefined ? error(404, `Job ${id ?? ''} not found`) : ofJob(job, request, last ?? '', trigger ?? '');
  });
  const flink: FakeFlink = Object.assign(server, {
    jobs,
    accepted,
    jars,
    savepoints,
    onStop: undefined,
    fault: undefined,
  });
  return flink;
}
