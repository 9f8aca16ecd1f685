import { useEffect } from 'preact/hooks';
import { applyScreen } from './screen';

/** Keeps the size of everything right when the window gets another one. */
export function useScreen(wall: boolean): void {
  useEffect(() => {
    const fit = () => void applyScreen(wall);
    window.addEventListener('resize', fit);
    return () => window.removeEventListener('resize', fit);
  }, [wall]);
}
