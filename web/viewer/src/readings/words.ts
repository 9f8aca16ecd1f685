import type { Language } from '../i18n';
import type { Condition } from './readings';

/** The texts of what sensors say. */
export interface ReadingWords {
  title: string;
  condition: Record<Condition, string>;
  lastHour: string;
  noHistory: string;
  range(low: string, high: string): string;
  alarm: string;
  acknowledged(owner: string): string;
  since(time: string): string;
  open: string;
  sensors: string;
  show: string;
  hide: string;
}

export const readingWords: Record<Language, ReadingWords> = {
  en: {
    title: 'Sensors',
    condition: {
      normal: 'normal',
      warning: 'warning',
      alarm: 'alarm',
      stale: 'stale: no news',
      offline: 'offline',
    },
    lastHour: 'last hour',
    noHistory: 'The server keeps no history of this.',
    range: (low, high) => `${low} to ${high} in the last hour`,
    alarm: 'Alarm',
    acknowledged: owner => `acknowledged by ${owner}`,
    since: time => `since ${time}`,
    open: 'Open the alarm as JSON',
    sensors: 'Sensors',
    show: 'Show sensors on the map',
    hide: 'Hide sensors on the map',
  },
  zh: {
    title: '传感器',
    condition: { normal: '正常', warning: '预警', alarm: '告警', stale: '无新数据', offline: '离线' },
    lastHour: '最近 1 小时',
    noHistory: '服务器没有这项历史数据。',
    range: (low, high) => `最近 1 小时 ${low} 至 ${high}`,
    alarm: '告警',
    acknowledged: owner => `${owner} 已确认`,
    since: time => `自 ${time}`,
    open: '以 JSON 打开告警',
    sensors: '传感器',
    show: '在地图上显示传感器',
    hide: '在地图上隐藏传感器',
  },
};
