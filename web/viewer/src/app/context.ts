import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Store } from './store';

const StoreContext = createContext<Store | undefined>(undefined);

export const StoreProvider = StoreContext.Provider;

/** The store of the page; components stand below StoreProvider. */
export function useStore(): Store {
  const store = useContext(StoreContext);
  if (!store) throw new Error('useStore: no StoreProvider above');
  return store;
}
