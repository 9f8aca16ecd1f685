/**
 * The straight line of least squares through samples.
 * @param {{at: number, value: number}[]} samples at: seconds
 * @returns {{slope: number, mean: number, growth: number}} slope a second; growth over the time of the samples
 */
export function trend(samples) {
  const n = samples.length;
  const mean = key => samples.reduce((sum, s) => sum + s[key], 0) / n;
  const at = mean('at');
  const value = mean('value');
  let above = 0;
  let below = 0;
  for (const s of samples) {
    above += (s.at - at) * (s.value - value);
    below += (s.at - at) ** 2;
  }
  const slope = below > 0 ? above / below : 0;
  return { slope, mean: value, growth: slope * (samples[n - 1].at - samples[0].at) };
}
