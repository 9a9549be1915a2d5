// Load on a Lacewing, as a team makes it: run by scripts/load_test.py, which starts a server and draws the report.
//
// By hand:  k6 run -e BASE_URL=http://127.0.0.1:8000 -e SCENARIO=smoke scripts/load_test.js
//
// SCENARIO  smoke, load, stress, soak or spike (see SCENARIOS)
// DURATION  how long all of it takes, as in 30s or 8h; each scenario has its own by default
// USERS     virtual users at the height of it
// PASSWORD  of the accounts that are made for it
// INSECURE  "true": take a certificate of an authority that this machine does not know
//
// The server's limits per address must be off (LACEWING_RATE_LIMIT_PER_MINUTE=0 and LACEWING_LOGIN_LIMIT_PER_MINUTE=0):
// all of it comes from one address.

import http from 'k6/http';
import exec from 'k6/execution';
import { check, group, sleep } from 'k6';
import { Trend, Rate, Counter } from 'k6/metrics';

const BASE_URL = __ENV.BASE_URL || 'http://127.0.0.1:8000';
const PASSWORD = __ENV.PASSWORD || 'Load-Test-Horse-7';
const SCENARIO = __ENV.SCENARIO || 'smoke';

// Users and duration are what one server process on two cores, which also run k6 and the database, should carry;
// `steps` are shares of the duration, each towards a share of the users.
const SCENARIOS = {
  // Does all of it work?
  smoke: { users: 2, duration: '15s', steps: [[1, 1]], start: 1 },
  // A team of hundreds on a busy day: are answers quick?
  load: { users: 20, duration: '2m', steps: [[0.15, 1], [0.75, 1], [0.1, 0]] },
  // More and more: where does it bend, and does it break?
  stress: { users: 150, duration: '10m', steps: [[0.2, 0.2], [0.2, 0.4], [0.2, 0.7], [0.3, 1], [0.1, 0]] },
  // Hours of the same: does it leak?
  soak: { users: 15, duration: '4h', steps: [[0.02, 1], [0.96, 1], [0.02, 0]] },
  // Monday, nine o'clock: does it come back?
  spike: { users: 100, duration: '3m', steps: [[0.2, 0.05], [0.05, 1], [0.25, 1], [0.05, 0.05], [0.45, 0.05]] },
};

// Stress and spike are meant to hurt: there, answers may be slow, but hardly any may fail.
const HURTS = SCENARIO === 'stress' || SCENARIO === 'spike';

const failed = new Rate('lacewing_failed');
const written = new Counter('lacewing_written');
const seconds = {};
for (const name of [
  'login', 'list', 'search', 'read', 'create', 'comment', 'deep_page', 'dashboard', 'upload',
]) {
  seconds[name] = new Trend(`lacewing_${name}`, true);
}

function inSeconds(text) {
  const units = { s: 1, m: 60, h: 3600 };
  const found = /^(\d+)([smh])$/.exec(text);
  if (!found) {
    throw new Error(`DURATION is a number and s, m or h, as in 90s; not ${text}`);
  }
  return Number(found[1]) * units[found[2]];
}

function shape(name) {
  const wanted = SCENARIOS[name];
  if (!wanted) {
    throw new Error(`SCENARIO is one of ${Object.keys(SCENARIOS).join(', ')}; not ${name}`);
  }
  const users = Number(__ENV.USERS || wanted.users);
  const duration = inSeconds(__ENV.DURATION || wanted.duration);
  return {
    executor: 'ramping-vus',
    startVUs: Math.round((wanted.start || 0) * users),
    gracefulRampDown: '10s',
    gracefulStop: '20s',
    stages: wanted.steps.map(([time, share]) => ({
      duration: `${Math.max(1, Math.round(time * duration))}s`,
      target: Math.round(share * users),
    })),
  };
}

export const options = {
  scenarios: { [SCENARIO]: shape(SCENARIO) },
  insecureSkipTLSVerify: __ENV.INSECURE === 'true',
  noCookiesReset: true,
  summaryTrendStats: ['count', 'avg', 'min', 'med', 'p(90)', 'p(95)', 'p(99)', 'max'],
  thresholds: {
    // After the height of a spike all is as before it.
    ...(SCENARIO === 'spike' ? { 'lacewing_list{phase:after}': ['p(95)<500'], 'lacewing_read{phase:after}': ['p(95)<300'] } : {}),
    lacewing_failed: [HURTS ? 'rate<0.01' : 'rate<0.001'],
    checks: [HURTS ? 'rate>0.99' : 'rate>0.999'],
    lacewing_login: [HURTS ? 'p(95)<10000' : 'p(95)<1000'],
    lacewing_list: [HURTS ? 'p(95)<5000' : 'p(95)<500'],
    lacewing_read: [HURTS ? 'p(95)<5000' : 'p(95)<300'],
    lacewing_search: [HURTS ? 'p(95)<5000' : 'p(95)<800'],
    lacewing_deep_page: [HURTS ? 'p(95)<5000' : 'p(95)<800'],
    lacewing_dashboard: [HURTS ? 'p(95)<5000' : 'p(95)<500'],
    lacewing_create: [HURTS ? 'p(95)<5000' : 'p(95)<800'],
    lacewing_comment: [HURTS ? 'p(95)<5000' : 'p(95)<800'],
    lacewing_upload: [HURTS ? 'p(95)<10000' : 'p(95)<2000'],
  },
};

// Of a spike, what comes some seconds after its last step down; of all else, everything.
const AFTER = SCENARIO === 'spike' ? 0.6 : 0;
const phase = () => (exec.scenario.progress < AFTER ? 'during' : 'after');

// One request, measured under the name of what a person does; what it should answer is checked.
function ask(name, method, path, body, expected, headers) {
  const response = http.request(method, `${BASE_URL}${path}`, body, {
    headers: headers,
    tags: { name: name },
    timeout: '60s',
  });
  seconds[name].add(response.timings.duration, { phase: phase() });
  const isGood = check(response, { [`${name} answers ${expected}`]: (r) => r.status === expected });
  failed.add(!isGood);
  if (!isGood) {
    console.error(`${name}: ${method} ${path} answered ${response.status}: ${String(response.body).slice(0, 300)}`);
  }
  return isGood ? response : null;
}

const asJson = (token) => ({ 'Content-Type': 'application/json', Authorization: `Bearer ${token}` });

function login(username) {
  const body = JSON.stringify({ username: username, password: PASSWORD });
  const response = ask('login', 'POST', '/api/auth/login', body, 200, { 'Content-Type': 'application/json' });
  return response && response.json('access_token');
}

const WORDS = ['login', 'timeout', 'invoice', 'search', 'upload', 'crash', 'payment', 'export', 'layout', 'token'];
const pick = (values) => values[Math.floor(Math.random() * values.length)];
const sentence = (count) => Array.from({ length: count }, () => pick(WORDS)).join(' ');

// The accounts, and projects with some issues: made once, before the measuring.
export function setup() {
  const users = Number(__ENV.USERS || SCENARIOS[SCENARIO].users);
  const stamp = Date.now().toString(36);
  const names = [];
  for (let number = 0; number < users; number += 1) {
    const name = `load-${stamp}-${number}`;
    const body = JSON.stringify({ username: name, email: `${name}@example.com`, password: PASSWORD });
    const made = http.post(`${BASE_URL}/api/auth/register`, body, {
      headers: { 'Content-Type': 'application/json' },
    });
    if (made.status !== 201) {
      exec.test.abort(`No account could be made: ${made.status} ${made.body}`);
    }
    names.push(name);
  }
  const token = __ENV.MANAGER_TOKEN;
  const projects = [];
  for (let number = 0; token && number < 3; number += 1) {
    const made = http.post(
      `${BASE_URL}/api/projects`,
      JSON.stringify({ key: `L${stamp.slice(-6).toUpperCase()}${number}`, name: `Load ${stamp} ${number}` }),
      { headers: asJson(token) },
    );
    if (made.status !== 201) {
      exec.test.abort(`No project could be made: ${made.status} ${made.body}`);
    }
    projects.push(made.json('id'));
  }
  if (projects.length === 0) {
    const listed = http.get(`${BASE_URL}/api/projects?limit=100`, {
      headers: asJson(loginOnce(names[0])),
    });
    projects.push(...listed.json('data').filter((each) => !each.is_archived).map((each) => each.id));
  }
  if (projects.length === 0) {
    exec.test.abort('There is no project; run `lacewing seed`, or give MANAGER_TOKEN.');
  }
  return { names: names, projects: projects };
}

function loginOnce(name) {
  const response = http.post(
    `${BASE_URL}/api/auth/login`,
    JSON.stringify({ username: name, password: PASSWORD }),
    { headers: { 'Content-Type': 'application/json' } },
  );
  return response.json('access_token');
}

// A PDF of one page, no two alike.
function pdf(text) {
  const drawn = `BT /F1 12 Tf 72 720 Td (${text}) Tj ET`;
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${drawn.length} >>\nstream\n${drawn}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ];
  let body = '%PDF-1.7\n';
  const offsets = objects.map((object, at) => {
    const offset = body.length;
    body += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const start = body.length;
  body += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n`;
  body += offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  return `${body}trailer\n<< /Size ${objects.length + 1} /Root 1 0 R >>\nstartxref\n${start}\n%%EOF\n`;
}

// What a person does on the way, and how often out of a hundred times. In this order each of them finds what it needs.
const ACTS = [
  [24, list], [8, create], [14, search], [26, read], [10, comment], [6, deepPage], [9, dashboard], [3, upload],
];

function list(me) {
  const response = ask('list', 'GET', `/api/projects/${pick(me.projects)}/issues?status=open&limit=20`, null, 200, me.headers);
  if (response) {
    me.issues.push(...response.json('data').map((issue) => issue.id));
    me.issues = me.issues.slice(-200);
  }
}

function search(me) {
  ask('search', 'GET', `/api/issues?search=${encodeURIComponent(sentence(2))}`, null, 200, me.headers);
}

function read(me) {
  if (me.issues.length === 0) {
    list(me);
    return;
  }
  const issue = pick(me.issues);
  group('an issue with its comments', () => {
    ask('read', 'GET', `/api/issues/${issue}`, null, 200, me.headers);
    ask('read', 'GET', `/api/issues/${issue}/comments`, null, 200, me.headers);
  });
}

function create(me) {
  const body = JSON.stringify({
    title: sentence(6), description: sentence(60), priority: pick(['low', 'medium', 'high']), labels: [pick(WORDS)],
  });
  const response = ask('create', 'POST', `/api/projects/${pick(me.projects)}/issues`, body, 201, me.headers);
  if (response) {
    me.issues.push(response.json('id'));
    written.add(1);
  }
}

function comment(me) {
  if (me.issues.length === 0) {
    list(me);
    return;
  }
  const body = JSON.stringify({ content: sentence(25) });
  if (ask('comment', 'POST', `/api/issues/${pick(me.issues)}/comments`, body, 201, me.headers)) {
    written.add(1);
  }
}

// On from page to page, as far as the list goes or five of them.
function deepPage(me) {
  let cursor = '';
  for (let pages = 0; pages < 5; pages += 1) {
    const response = ask('deep_page', 'GET', `/api/issues?limit=50${cursor}`, null, 200, me.headers);
    const next = response && response.json('next_cursor');
    if (!next) {
      return;
    }
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}

function dashboard(me) {
  ask('dashboard', 'GET', '/api/dashboard/issues', null, 200, me.headers);
}

function upload(me) {
  const form = { file: http.file(pdf(sentence(8)), `load-${me.name}.pdf`, 'application/pdf') };
  if (ask('upload', 'POST', '/api/documents/upload', form, 201, { Authorization: me.headers.Authorization })) {
    written.add(1);
  }
}

function act(me) {
  let left = Math.random() * ACTS.reduce((sum, [share]) => sum + share, 0);
  for (const [share, doing] of ACTS) {
    left -= share;
    if (left < 0) {
      doing(me);
      return;
    }
  }
}

// Of this virtual user; an access token is good for 15 minutes, so it logs in anew before.
const TOKEN_SECONDS = 14 * 60;
let me = null;

export default function (prepared) {
  if (me === null || Date.now() - me.since > TOKEN_SECONDS * 1000) {
    const name = prepared.names[(exec.vu.idInTest - 1) % prepared.names.length];
    const token = login(name);
    if (!token) {
      sleep(1);
      return;
    }
    const isNew = me === null;
    me = { name: name, since: Date.now(), headers: asJson(token), projects: prepared.projects, issues: [] };
    if (isNew && SCENARIO === 'smoke') {
      // However short it is, all of it is tried. In one iteration, which k6 lets end.
      ACTS.forEach(([, doing]) => doing(me));
    }
  }
  act(me);
  // A person who is quick.
  sleep(0.1 + Math.random() * 0.4);
}
