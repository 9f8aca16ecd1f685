import { type Map as MapLibreMap, Marker } from 'maplibre-gl';
import type { Alarm } from './alarm';

/** Alarms shown on the map: the newest; the queue lists the others. */
const most = 100;

/** The open alarms as signs on the map, which pulse three times when they come. */
export class AlarmMarkers {
  private readonly markers = new Map<string, { marker: Marker; look: string }>();

  constructor(
    private readonly map: MapLibreMap,
    private readonly chosen: (alarm: Alarm) => void,
  ) {
    map.on('moveend', this.order);
  }

  /** Shows these alarms and no others. */
  show(
    alarms: readonly Alarm[],
    options: { focus: string | undefined; fresh: ReadonlySet<string>; label: (alarm: Alarm) => string },
  ): void {
    const shown = new Set<string>();
    for (const alarm of alarms.slice(0, most)) {
      if (!alarm.place) continue;
      shown.add(alarm.id);
      this.draw(
        alarm,
        alarm.place,
        options.fresh.has(alarm.id),
        options.focus === alarm.id,
        options.label(alarm),
      );
    }
    for (const [id, { marker }] of this.markers) {
      if (shown.has(id)) continue;
      marker.remove();
      this.markers.delete(id);
    }
    this.order();
  }

  dispose(): void {
    this.map.off('moveend', this.order);
    for (const { marker } of this.markers.values()) marker.remove();
    this.markers.clear();
  }

  /** The keys reach what is in view, and nothing else. */
  private readonly order = (): void => {
    const { clientWidth, clientHeight } = this.map.getContainer();
    for (const { marker } of this.markers.values()) {
      const { x, y } = this.map.project(marker.getLngLat());
      const seen = x >= 0 && y >= 0 && x <= clientWidth && y <= clientHeight;
      marker.getElement().tabIndex = seen ? 0 : -1;
    }
  };

  private draw(
    alarm: Alarm,
    place: [lon: number, lat: number],
    fresh: boolean,
    focused: boolean,
    label: string,
  ): void {
    let held = this.markers.get(alarm.id);
    if (!held) {
      const element = document.createElement('button');
      element.type = 'button';
      element.dataset.marker = alarm.id;
      element.append(document.createElement('span'));
      held = { marker: new Marker({ element }).setLngLat(place).addTo(this.map), look: '' };
      this.markers.set(alarm.id, held);
    }
    const element = held.marker.getElement() as HTMLButtonElement;
    const look = `${alarm.severity} ${alarm.state}${fresh ? ' fresh' : ''}${focused ? ' focused' : ''}`;
    if (look !== held.look) {
      element.classList.remove(...held.look.split(' ').filter(Boolean));
      element.classList.add('alarm-marker', ...look.split(' '));
      held.look = look;
    }
    if (element.title !== label) {
      element.title = label;
      element.setAttribute('aria-label', label);
    }
    element.onclick = event => {
      event.stopPropagation();
      this.chosen(alarm);
    };
    held.marker.setLngLat(place);
  }
}
