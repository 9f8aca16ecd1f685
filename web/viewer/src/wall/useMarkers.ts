import { effect } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { AlarmMarkers } from './alarmMarkers';
import { alarmTitle } from './alarmText';
import type { WallState } from './wallState';

/** Keeps the alarms' signs on whatever map is shown. */
export function useMarkers(wall: WallState): void {
  useEffect(
    () =>
      effect(() => {
        const city = wall.store.shown.value;
        if (!city) return undefined;
        const title = (alarm: Parameters<typeof alarmTitle>[0]) =>
          alarmTitle(alarm, wall.words.value, wall.store.language.value);
        const markers = new AlarmMarkers(city.map, alarm =>
          wall.look({ kind: 'alarm', id: alarm.id, title: title(alarm), place: alarm.place }),
        );
        const stop = effect(() => {
          const focus = wall.focus.value;
          markers.show(wall.alarms.value, {
            focus: focus?.kind === 'alarm' ? focus.id : undefined,
            fresh: wall.fresh.value,
            label: title,
          });
        });
        return () => {
          stop();
          markers.dispose();
        };
      }),
    [wall],
  );
}
