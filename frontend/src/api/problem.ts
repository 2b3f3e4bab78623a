import { problems } from '../texts/problems';

/** A complaint about one field of a body. */
export interface Issue {
  path: (string | number)[];
  message: string;
}

/** What went wrong with a call, in the words of the gateway: `message` says what, `hint` what to do. */
export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string | null;
  readonly retryAfterSeconds: number | null;
  readonly issues: readonly Issue[];

  constructor(init: {
    status: number;
    code: string;
    message: string;
    hint?: string | null;
    retryAfterSeconds?: number | null;
    issues?: readonly Issue[];
  }) {
    super(init.message);
    this.status = init.status;
    this.code = init.code;
    this.hint = init.hint ?? null;
    this.retryAfterSeconds = init.retryAfterSeconds ?? null;
    this.issues = init.issues ?? [];
  }
}

const UNREADABLE = { code: 'UNREADABLE', ...problems.unreadable };
const UNREACHABLE = { code: 'UNREACHABLE', ...problems.unreachable };
const BROKEN = { code: 'BROKEN', ...problems.broken };

/** No answer came. */
export function unreachable(): Problem {
  return new Problem({ status: 0, ...UNREACHABLE });
}

/** Read a refused answer: the contract has two shapes, and a proxy in between may answer with neither. */
export function problemOf(response: Response, body: unknown): Problem {
  const common = {
    status: response.status,
    retryAfterSeconds: secondsOf(response.headers.get('retry-after')),
  };
  if (!isRecord(body) || typeof body.message !== 'string') return new Problem({ ...common, ...UNREADABLE });
  const nested = isRecord(body.error) ? body.error.code : body.error;
  const hint = typeof body.hint === 'string' ? body.hint : null;
  return new Problem({
    ...common,
    code: typeof nested === 'string' ? nested : 'UNKNOWN',
    message: body.message,
    hint,
    issues: Array.isArray(body.issues) ? body.issues.filter(isIssue) : [],
  });
}

/** Whatever a call threw, as a Problem. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  return new Problem({ status: 0, ...BROKEN });
}

function secondsOf(header: string | null): number | null {
  const seconds = Number(header ?? 'none');
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}

function isIssue(value: unknown): value is Issue {
  return isRecord(value) && Array.isArray(value.path) && typeof value.message === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
