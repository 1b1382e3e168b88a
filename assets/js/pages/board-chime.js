// One soft stroke of a bell, made here: there is no file to load.

let context = null;

/** Rings once. */
export function chime() {
  context ??= new AudioContext();
  const at = context.currentTime;
  for (const [pitch, loud] of [[880, 0.12], [1320, 0.05]]) {
    const tone = context.createOscillator();
    const volume = context.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(loud, at);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + 0.9);
    tone.connect(volume).connect(context.destination);
    tone.start(at);
    tone.stop(at + 1);
  }
}
