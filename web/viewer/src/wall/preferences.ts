/** What the operator's screen remembers of its desk. */
export interface WallPreferences {
  /** The name under which alarms are acknowledged; '' for the language's default. */
  owner: string;
  sound: boolean;
}

const key = 'twind.wall';
/** The server takes owners of at most so many characters. */
export const longestOwner = 60;

/** Reads the preferences; damaged or forbidden storage gives the defaults. */
export function loadWallPreferences(storage: Pick<Storage, 'getItem'> | undefined): WallPreferences {
  try {
    const { owner, sound } = JSON.parse(storage?.getItem(key) ?? '{}') as Record<string, unknown>;
    return {
      owner: typeof owner === 'string' ? owner.slice(0, longestOwner) : '',
      sound: sound === true,
    };
  } catch {
    return { owner: '', sound: false };
  }
}

/** Writes the preferences; a browser that forbids storage just forgets them. */
export function saveWallPreferences(
  storage: Pick<Storage, 'setItem'> | undefined,
  preferences: WallPreferences,
): void {
  try {
    storage?.setItem(key, JSON.stringify(preferences));
  } catch {
    // A full or forbidden storage is no fault of the operator's.
  }
}
