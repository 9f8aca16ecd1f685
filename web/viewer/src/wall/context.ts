import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { WallState } from './wallState';

const WallContext = createContext<WallState | undefined>(undefined);

export const WallProvider = WallContext.Provider;

/** The state of the operator's screen; components stand below WallProvider. */
export function useWall(): WallState {
  const wall = useContext(WallContext);
  if (!wall) throw new Error('useWall: no WallProvider above');
  return wall;
}
