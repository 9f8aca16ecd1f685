import { type Dictionary, en } from './en';
import { zh } from './zh';

export type { Dictionary };

/** The languages of the viewer: Chinese as written in China, and English. */
export type Language = 'zh' | 'en';

export const dictionaries: Record<Language, Dictionary> = { zh, en };

/** BCP 47 tags for `lang` attributes and Intl. */
export const tags: Record<Language, string> = { zh: 'zh-CN', en: 'en' };

/** A text in both languages, as the server sends it; an empty one falls back to the other. */
export interface Text {
  zh?: string;
  en?: string;
}

/** The text in a language, else in the other, else the fallback. */
export function textIn(text: Text | undefined, language: Language, fallback = ''): string {
  return text?.[language] || text?.[language === 'zh' ? 'en' : 'zh'] || fallback;
}

/** The first language of a list of BCP 47 tags that the viewer speaks, else English. */
export function preferredLanguage(list: readonly string[]): Language {
  for (const tag of list) {
    const primary = tag.toLowerCase().split('-')[0];
    if (primary === 'zh') return 'zh';
    if (primary === 'en') return 'en';
  }
  return 'en';
}
