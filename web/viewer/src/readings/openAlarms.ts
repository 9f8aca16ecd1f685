import { fetchJson } from '../app/http';
import type { Text } from '../i18n';

/** An open alarm of a city object, as the server has it. */
export interface OpenAlarm {
  id: string;
  state: string;
  /** Milliseconds since 1970. */
  time: number;
  owner: string;
  title: Text;
  property: string;
}

/** Reads the open alarms of one object. */
export async function readAlarms(layer: string, feature: string, signal: AbortSignal): Promise<OpenAlarm[]> {
  return parseAlarms(await fetchJson('/live/alarms?state=open&limit=1000', signal), layer, feature);
}

/** Where an alarm is. */
export function alarmUrl(id: string): string {
  return `/live/alarms/${encodeURIComponent(id)}`;
}

/** The alarms of an answer that are of one object. */
export function parseAlarms(answer: unknown, layer: string, feature: string): OpenAlarm[] {
  const list = (answer as { alarms?: unknown } | null)?.alarms;
  if (!Array.isArray(list)) return [];
  return list
    .filter((row: Record<string, unknown>) => row.layer === layer && row.entity === feature)
    .map((row: Record<string, unknown>) => {
      const evidence = (row.evidence ?? {}) as { title?: Text; property?: string };
      return {
        id: String(row.id),
        state: String(row.state),
        time: Date.parse(String(row.time)),
        owner: typeof row.owner === 'string' ? row.owner : '',
        title: evidence.title ?? { en: String(row.class) },
        property: evidence.property ?? '',
      };
    });
}
