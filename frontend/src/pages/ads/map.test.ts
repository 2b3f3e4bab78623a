import { describe, expect, test } from 'vitest';

import { gridLines, isInView, PICTURE, projection, scaleBarKm, unitsPerKm, withRoom } from './map';
import { coasts, COVERED, type Place, placeNamed, PLACES } from './places';

const STOCKHOLM: Place = { name: 'Stockholm', latitude: 59.33, longitude: 18.07 };
const UPPSALA = [17.64, 59.86] as const;
const KM_APART = 64;

describe('the projection', () => {
  test('puts the place in the middle, north up and east right', () => {
    const project = projection(STOCKHOLM, unitsPerKm(25));
    expect(project([18.07, 59.33])).toEqual([PICTURE.middle, PICTURE.middle]);
    const [x, y] = project([18.2, 59.4]);
    expect(x).toBeGreaterThan(PICTURE.middle);
    expect(y).toBeLessThan(PICTURE.middle);
  });

  test('is true to scale: Uppsala is 64 km from Stockholm', () => {
    const scale = unitsPerKm(80);
    const [x, y] = projection(STOCKHOLM, scale)(UPPSALA);
    const km = Math.hypot(x - PICTURE.middle, y - PICTURE.middle) / scale;
    expect(km).toBeGreaterThan(KM_APART - 1.5);
    expect(km).toBeLessThan(KM_APART + 1.5);
  });

  test.each([1, 25, 80])('leaves air around a circle of %d km', (radius) => {
    expect(radius * unitsPerKm(radius)).toBeLessThan(PICTURE.middle * 0.5);
  });
});

test.each([
  [1, 10],
  [25, 20],
  [80, 100],
])('for %d km the bar shows %d km, within its third', (radius, km) => {
  expect(scaleBarKm(unitsPerKm(radius))).toBe(km);
  expect(km * unitsPerKm(radius)).toBeLessThanOrEqual(PICTURE.side * 0.3);
});

test('the grid has a few lines of round degrees, all in the picture', () => {
  const scale = unitsPerKm(25);
  const { meridians, parallels } = gridLines(STOCKHOLM, scale);
  for (const lines of [meridians, parallels]) {
    expect(lines.length).toBeGreaterThan(1);
    expect(lines.length).toBeLessThan(8);
  }
  const project = projection(STOCKHOLM, scale);
  for (const degrees of meridians) {
    const [x] = project([degrees, STOCKHOLM.latitude]);
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x).toBeLessThanOrEqual(PICTURE.side);
  }
});

describe('the built-in map', () => {
  test.each([
    ['stockholm', 'Stockholm'],
    [' GOTEBORG ', 'Göteborg'],
    ['Gothenburg, Sweden', 'Göteborg'],
    ['Malmo', 'Malmö'],
  ])('knows %s', (typed, name) => {
    expect(placeNamed(typed)?.name).toBe(name);
  });

  test.each(['', '  ', 'Stock', 'Storgatan 1', 'Atlantis'])('does not guess at "%s"', (typed) => {
    expect(placeNamed(typed)).toBeUndefined();
  });

  test('has its towns on its coasts, and some coast in view of each town by the sea', () => {
    const rings = coasts();
    expect(rings.length).toBeGreaterThan(20);
    for (const [longitude, latitude] of rings.flat()) {
      expect(longitude).toBeGreaterThanOrEqual(COVERED.west);
      expect(longitude).toBeLessThanOrEqual(COVERED.east);
      expect(latitude).toBeGreaterThanOrEqual(COVERED.south);
      expect(latitude).toBeLessThanOrEqual(COVERED.north);
    }
    const visby = placeNamed('Visby');
    if (visby === undefined) throw new Error('Visby is gone');
    const project = projection(visby, unitsPerKm(25));
    expect(rings.map((ring) => ring.map(project)).some(isInView)).toBe(true);
  });

  test('is covered by coasts for every town that it names, at the widest view', () => {
    const reach = (80 * 2.6) / 111;
    for (const { latitude, name } of PLACES) {
      expect([name, latitude - reach > COVERED.south]).toEqual([name, true]);
    }
  });
});

test('a name is left out where another one stands already', () => {
  const spots = [{ at: [50, 50] }, { at: [60, 52] }, { at: [60, 60] }] as const;
  expect(withRoom(spots)).toEqual([spots[0], spots[2]]);
});
