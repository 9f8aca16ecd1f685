import { HttpError, problemOf } from './http';

/**
 * Executes a process of the server (OGC API – Processes); an answer that is not 2xx is an HttpError with the
 * server's sentence.
 */
export async function execute(
  process: string,
  inputs: unknown,
  accept: 'application/json' | 'text/csv',
  signal?: AbortSignal,
): Promise<Response> {
  const response = await fetch(`/ogc/processes/${process}/execution`, {
    method: 'POST',
    headers: { Accept: accept, 'Content-Type': 'application/json' },
    body: JSON.stringify({ inputs }),
    ...(signal ? { signal } : {}),
  });
  if (!response.ok) throw new HttpError(response.status, await problemOf(response));
  return response;
}

/** Lets the user keep a file. */
export async function download(content: Promise<Blob>, name: string): Promise<void> {
  const url = URL.createObjectURL(await content);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
