import { COVERED, type Place } from './places';

const KM_PER_DEGREE = 111.2;
const SIDE = 100;
/** The picture is this many units wide and high; the middle is the place. */
export const PICTURE = { side: SIDE, middle: SIDE / 2 };

const RADII_IN_VIEW = 2.6;
const LEAST_VIEW_KM = 25;

/** How many units of the picture a kilometre takes, when a circle of this radius has air around it. */
export function unitsPerKm(radiusKm: number): number {
  return SIDE / (2 * Math.max(radiusKm * RADII_IN_VIEW, LEAST_VIEW_KM));
}

/** From degrees to units of the picture: true to scale around the place, good to a percent at its edge. */
export function projection(
  centre: Place,
  scale: number,
): (point: readonly [number, number]) => [number, number] {
  const across = KM_PER_DEGREE * Math.cos((centre.latitude * Math.PI) / 180);
  return ([longitude, latitude]) => [
    PICTURE.middle + (longitude - centre.longitude) * across * scale,
    PICTURE.middle - (latitude - centre.latitude) * KM_PER_DEGREE * scale,
  ];
}

/** A closed SVG path through these points. */
export function pathOf(points: readonly (readonly [number, number])[]): string {
  return (
    points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('') + 'Z'
  );
}

/** Whether any part of a ring can be in the picture. */
export function isInView(points: readonly (readonly [number, number])[]): boolean {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  return Math.max(...xs) > 0 && Math.min(...xs) < SIDE && Math.max(...ys) > 0 && Math.min(...ys) < SIDE;
}

const BAR_LENGTHS_KM = [1, 2, 5, 10, 20, 50, 100] as const;
const LONGEST_BAR = 0.3;

/** The longest round length that takes at most a third of the picture's width. */
export function scaleBarKm(scale: number): number {
  const fitting = BAR_LENGTHS_KM.filter((km) => km * scale <= SIDE * LONGEST_BAR);
  return fitting.at(-1) ?? BAR_LENGTHS_KM[0];
}

/** The degrees of a grid of about six lines, inside the picture. */
export function gridLines(centre: Place, scale: number): { meridians: number[]; parallels: number[] } {
  const height = SIDE / scale / KM_PER_DEGREE;
  const width = height / Math.cos((centre.latitude * Math.PI) / 180);
  return {
    meridians: roundDegrees(centre.longitude, width),
    parallels: roundDegrees(centre.latitude, height),
  };
}

const GRID_STEPS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5];

function roundDegrees(middle: number, extent: number): number[] {
  const step = GRID_STEPS.find((candidate) => extent / candidate <= 6) ?? 5;
  const first = Math.ceil((middle - extent / 2) / step);
  const last = Math.floor((middle + extent / 2) / step);
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toFixed(2)));
}

/** Whether coasts are known everywhere in the picture around this place. */
export function isCovered({ latitude, longitude }: Place): boolean {
  return (
    longitude > COVERED.west &&
    longitude < COVERED.east &&
    latitude > COVERED.south &&
    latitude < COVERED.north
  );
}

const NAME_ROOM = { width: 22, height: 4.5 };

/** Those whose names have room, first come first served. */
export function withRoom<T extends { at: readonly [number, number] }>(spots: readonly T[]): T[] {
  return spots.reduce<T[]>((placed, spot) => {
    const isCrowded = placed.some(
      ({ at: [x, y] }) =>
        Math.abs(x - spot.at[0]) < NAME_ROOM.width && Math.abs(y - spot.at[1]) < NAME_ROOM.height,
    );
    return isCrowded ? placed : [...placed, spot];
  }, []);
}
