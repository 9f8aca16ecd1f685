import { useStore } from '../app/context';
import type { Notice } from '../app/store';
import { IconButton } from '../ui/Button';
import { Icon } from '../ui/Icon';

/** How the keys of notices begin that tell of a layer whose tiles are missing. */
export const tileNotices = 'tiles/';

/** More of them are told in one sentence: when the server is gone, every layer in view has one. */
const most = 2;

/** Notices as they are shown: many about tiles are one, whose retry is that of all. */
export function gathered(notices: readonly Notice[]): Notice[] {
  const tiles = notices.filter(({ key }) => key.startsWith(tileNotices));
  if (tiles.length <= most) return [...notices];
  const all: Notice = {
    key: tileNotices,
    text: words => words.map.tilesOfMany(tiles.length),
    retry: () => {
      for (const { retry } of tiles) retry?.();
    },
  };
  return [...notices.filter(({ key }) => !key.startsWith(tileNotices)), all];
}

/** Messages to the user, with a way out. */
export function Notices() {
  const store = useStore();
  const words = store.words.value;
  const dismiss = (shown: string) => {
    for (const { key } of store.notices.value)
      if (key === shown || (shown === tileNotices && key.startsWith(tileNotices))) store.dismiss(key);
  };
  return (
    <div class="notices" role="status">
      {gathered(store.notices.value).map(notice => (
        <div class="notice card" key={notice.key}>
          <Icon name="warning" size={18} />
          <span>{notice.text(words, store.language.value)}</span>
          {notice.retry && (
            <button type="button" class="link" onClick={notice.retry}>
              {words.app.retry}
            </button>
          )}
          <IconButton icon="close" label={words.app.dismiss} onClick={() => dismiss(notice.key)} />
        </div>
      ))}
    </div>
  );
}
