/** In the place of a kind of step: histories with the spool, housekeeping and whole files (draw-rescue.ts). */
export const rescueKind = 'rescue'
