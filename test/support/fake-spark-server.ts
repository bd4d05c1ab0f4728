/** A Spark standalone master of the submission server and JSON page only; one server plays both. Drivers claim when told to. */
import { startTestServer } from './http-server.js';
import type { TestAnswer, TestRequest, TestServer } from './http-server.js';

export interface FakeDriver {
  id: string;
  state: string;
  starttime: string;
  worker: string;
  mainclass: string;
  appName: string;
  properties: Record<string, string>;
  document: Record<string, unknown>;
}

export interface FakeApp {
  id: string;
  name: string;
  starttime: number;
  cores: number;
  state: string;
}

export interface FakeSpark extends TestServer {
  drivers: Map<string, FakeDriver>;
  apps: Map<string, FakeApp>;
  log: string;
  status: string;
  fault: ((request: TestRequest) => TestAnswer | undefined) | undefined;
  /** Called with every driver that was posted. */
  onDriver: ((driver: FakeDriver) => void | Promise<void>) | undefined;
}

const ACTIVE = ['SUBMITTED', 'RUNNING', 'RELAUNCHING', 'UNKNOWN'];

export async function startFakeSpark(): Promise<FakeSpark> {
  const drivers = new Map<string, FakeDriver>();
  const apps = new Map<string, FakeApp>();

  async function create(body: {
    mainClass: string;
    appArgs: string[];
    sparkProperties: Record<string, string>;
  }): Promise<TestAnswer> {
    const id = `driver-20260301020000-${String(drivers.size).padStart(4, '0')}`;
    const driver: FakeDriver = {
      id,
      state: 'SUBMITTED',
      starttime: String(Date.now()),
      worker: 'worker-1',
      mainclass: body.mainClass,
      appName: body.sparkProperties['spark.app.name'] ?? '',
      properties: body.sparkProperties,
      document: JSON.parse(body.appArgs[1] ?? '{}') as Record<string, unknown>,
    };
    drivers.set(id, driver);
    await spark.onDriver?.(driver);
    return { json: { action: 'CreateSubmissionResponse', success: true, submissionId: id } };
  }

  function master(): TestAnswer {
    const all = [...drivers.values()];
    const active = (driver: FakeDriver) => ACTIVE.includes(driver.state);
    const activeApp = (app: FakeApp) => ['WAITING', 'RUNNING'].includes(app.state);
    return {
      json: {
        status: spark.status,
        workers: [
          {
            id: 'worker-1',
            webuiaddress: spark.url,
            cores: 4,
            coresused: 4,
            memory: 4096,
            memoryused: 1024,
            state: 'ALIVE',
          },
        ],
        activeapps: [...apps.values()].filter(activeApp),
        completedapps: [...apps.values()].filter((app) => !activeApp(app)),
        activedrivers: all.filter(active),
        completeddrivers: all.filter((driver) => !active(driver)),
      },
    };
  }

  function kill(id: string): TestAnswer {
    const driver = drivers.get(id);
    if (driver === undefined || !ACTIVE.includes(driver.state))
      return { json: { success: false, message: 'no such driver' } };
    driver.state = 'KILLED';
    for (const app of apps.values()) if (app.name === driver.appName) app.state = 'KILLED';
    return { json: { success: true, message: 'kill requested' } };
  }

  function killApp(id: string): TestAnswer {
    const app = apps.get(id);
    if (app !== undefined) app.state = 'KILLED';
    return { text: '<html></html>' };
  }

  const server = await startTestServer((request) => {
    const fault = spark.fault?.(request);
    if (fault !== undefined) return fault;
    const parts = request.path.split('/').filter((part) => part !== '');
    if (parts[0] === 'json') return master();
    if (parts[0] === 'app' && parts[1] === 'kill') return killApp(request.query.get('id') ?? '');
    if (parts[0] === 'log') return { text: `==== Bytes 0-10 of 10 of /x ====\n${spark.log}` };
    if (parts[2] === 'create') return create(JSON.parse(request.body.toString('utf8')) as Parameters<typeof create>[0]);
    if (parts[2] === 'kill') return kill(parts[3] ?? '');
    const driver = drivers.get(parts[3] ?? '');
    const base = { action: 'SubmissionStatusResponse', serverSparkVersion: '4.3.0' };
    if (driver === undefined) return { json: { ...base, success: false } };
    return { json: { ...base, success: true, driverState: driver.state, workerId: driver.worker } };
  });
  const spark: FakeSpark = Object.assign(server, {
    drivers,
    apps,
    log: '',
    status: 'ALIVE',
    fault: undefined,
    onDriver: undefined,
  });
  return spark;
}
