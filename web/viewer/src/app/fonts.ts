const patience = 4000; // ms

/**
 * Waits for the page's font, Latin and Chinese: the map draws each glyph of a
 * label once and would keep a stand-in for ever. A font that does not come in
 * time leaves the system's own.
 */
export async function loadFonts(): Promise<void> {
  const wanted = ['400 16px "Twind Sans"', '600 16px "Twind Sans"'].map(font =>
    document.fonts.load(font, 'Aé城区管线'),
  );
  const late = new Promise<void>(resolve => setTimeout(resolve, patience));
  await Promise.race([Promise.allSettled(wanted), late]);
}
