import { describe, expect, it } from 'vitest';
import { dictionaries, type Language, preferredLanguage, textIn } from '.';

/** Every text of a dictionary with its path; functions are called with samples. */
function texts(value: unknown, path = ''): [path: string, text: string][] {
  if (typeof value === 'string') return [[path, value]];
  if (typeof value === 'function') return [[path, String(value('7'))]];
  if (typeof value !== 'object' || value === null) throw new Error(`${path}: neither text nor group`);
  return Object.entries(value).flatMap(([key, inner]) => texts(inner, path ? `${path}.${key}` : key));
}

const languages = Object.keys(dictionaries) as Language[];
const paths = (language: Language) => texts(dictionaries[language]).map(([path]) => path);

describe('dictionaries', () => {
  it.each(languages)('%s fills every text', language => {
    for (const [path, text] of texts(dictionaries[language])) expect(text.trim(), path).not.toBe('');
  });

  it('have the same texts in both languages', () => {
    expect(paths('zh').sort()).toEqual(paths('en').sort());
  });

  it('put the parameter of a sentence into it', () => {
    for (const language of languages) {
      const words = dictionaries[language];
      expect(words.search.empty('Broadway')).toContain('Broadway');
      expect(words.layers.stale('12')).toContain('12');
      expect(words.live.age('0.4 s')).toContain('0.4 s');
      expect(words.feature.others(3)).toContain('3');
    }
  });

  it('are written in their language', () => {
    const han = /\p{Script=Han}/u;
    const foreign = new Set(['name', 'language.switch', 'language.short', 'app.title', 'feature.empty']);
    for (const [path, text] of texts(dictionaries.en))
      if (!foreign.has(path)) expect(text, path).not.toMatch(han);
    for (const [path, text] of texts(dictionaries.zh))
      if (!foreign.has(path)) expect(text, path).toMatch(han);
  });
});

describe('textIn', () => {
  it.each([
    [{ zh: '建筑', en: 'Buildings' }, 'zh', '建筑'],
    [{ zh: '建筑', en: 'Buildings' }, 'en', 'Buildings'],
    [{ zh: '建筑' }, 'en', '建筑'],
    [{ en: 'Buildings', zh: '' }, 'zh', 'Buildings'],
    [{}, 'zh', 'id'],
    [undefined, 'en', 'id'],
  ] as const)('%j in %s is %s', (text, language, expected) => {
    expect(textIn(text, language, 'id')).toBe(expected);
  });
});

describe('preferredLanguage', () => {
  it.each([
    [['zh-Hans-CN', 'en'], 'zh'],
    [['en-GB'], 'en'],
    [['de-DE', 'zh-TW'], 'zh'],
    [['fr'], 'en'],
    [[], 'en'],
  ] as const)('of %j is %s', (list, expected) => {
    expect(preferredLanguage(list)).toBe(expected);
  });
});
