import { problemOf } from '../app/http';
import { authorization } from '../app/token';
import { type Alarm, parseAlarm } from './alarm';

/** What became of a change: the alarm as it is then, or why not. */
export interface Outcome {
  alarm?: Alarm;
  reason: string;
  /** Somebody closed it before. */
  conflict: boolean;
  /** The server asks for a token: there is none, or it is not one of the server's. */
  locked: boolean;
}

/** Acknowledges or closes an alarm on the server. */
export async function changeAlarm(
  id: string,
  action: 'acknowledge' | 'close',
  owner: string,
  note: string,
): Promise<Outcome> {
  try {
    const response = await fetch(`/live/alarms/${encodeURIComponent(id)}/${action}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...authorization() },
      body: JSON.stringify({ owner, note }),
    });
    if (!response.ok)
      return {
        reason: (await problemOf(response)) || `HTTP ${response.status}`,
        conflict: response.status === 409 || response.status === 404,
        locked: response.status === 401,
      };
    const alarm = parseAlarm(await response.json());
    return { ...(alarm ? { alarm } : {}), reason: alarm ? '' : '?', conflict: false, locked: false };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error), conflict: false, locked: false };
  }
}
