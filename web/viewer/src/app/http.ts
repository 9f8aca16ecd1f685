/** A request that failed: the server's status and, where it gave one, its sentence. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
  ) {
    super(detail || `HTTP ${status}`);
  }
}

/** Fetches JSON; an answer that is not 2xx is an HttpError with the problem's detail. */
export async function fetchJson(url: string, signal?: AbortSignal): Promise<unknown> {
  const response = await fetch(url, {
    headers: { Accept: 'application/json, application/geo+json' },
    ...(signal ? { signal } : {}),
  });
  if (!response.ok) throw new HttpError(response.status, await problemOf(response));
  return response.json();
}

/** The detail of an RFC 9457 problem, or ''. */
export async function problemOf(response: Response): Promise<string> {
  try {
    const problem: unknown = await response.json();
    if (
      typeof problem === 'object' &&
      problem !== null &&
      'detail' in problem &&
      typeof problem.detail === 'string'
    ) {
      return problem.detail;
    }
  } catch {
    // Not JSON: the status says enough.
  }
  return '';
}
