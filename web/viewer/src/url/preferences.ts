import type { Language } from '../i18n';
import type { Theme } from '../theme/tokens';

/** What the browser remembers of its user between visits. */
export interface Preferences {
  language?: Language;
  theme?: Theme;
  /** Layers switched off. */
  hidden?: string[];
  /** Opacity by layer, 0.1 to 1, where it is not 1. */
  opacity?: Record<string, number>;
  panelClosed?: boolean;
}

const key = 'twind.viewer';

/** Reads the preferences; damaged or forbidden storage gives none. */
export function loadPreferences(storage: Pick<Storage, 'getItem'> | undefined): Preferences {
  try {
    const value: unknown = JSON.parse(storage?.getItem(key) ?? '{}');
    return clean(value);
  } catch {
    return {};
  }
}

/** Writes the preferences; a browser that forbids storage just forgets them. */
export function savePreferences(
  storage: Pick<Storage, 'setItem'> | undefined,
  preferences: Preferences,
): void {
  try {
    storage?.setItem(key, JSON.stringify(preferences));
  } catch {
    // A full or forbidden storage is no fault of the user's.
  }
}

function clean(value: unknown): Preferences {
  if (typeof value !== 'object' || value === null) return {};
  const raw = value as Record<string, unknown>;
  const preferences: Preferences = {};
  if (raw.language === 'zh' || raw.language === 'en') preferences.language = raw.language;
  if (raw.theme === 'dark' || raw.theme === 'light') preferences.theme = raw.theme;
  if (Array.isArray(raw.hidden)) preferences.hidden = raw.hidden.filter(id => typeof id === 'string');
  if (typeof raw.opacity === 'object' && raw.opacity !== null) {
    const entries = Object.entries(raw.opacity).filter(([, v]) => typeof v === 'number' && v >= 0.1 && v < 1);
    preferences.opacity = Object.fromEntries(entries) as Record<string, number>;
  }
  if (typeof raw.panelClosed === 'boolean') preferences.panelClosed = raw.panelClosed;
  return preferences;
}

/** The browser's storage, or undefined where it is forbidden. */
export function browserStorage(): Storage | undefined {
  try {
    return window.localStorage;
  } catch {
    return undefined;
  }
}
