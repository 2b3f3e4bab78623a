import { describe, expect, test } from 'vitest';

import { Problem } from '../../api/problem';
import { settingsOf } from './samples';
import { bodyOf, EMPTY, errorsIn, errorsOf, formOf, isComplete, isSame } from './settingsForm';

describe('the form', () => {
  test('sends back what was saved when nothing is changed', () => {
    const saved = settingsOf({ geoRegionsJson: ['Skåne'], budgetOverride: 12.5 });
    expect(bodyOf(formOf(saved))).toEqual({
      geoMode: 'radius',
      geoCenterText: 'Stockholm',
      geoRadiusKm: 25,
      geoRegionsJson: ['Skåne'],
      formatsJson: ['feed', 'stories'],
      ctaType: 'learn_more',
      budgetOverride: 12.5,
    });
  });

  test('sends null for what is empty, and takes a decimal comma', () => {
    expect(bodyOf({ ...EMPTY, centre: '  ', radius: '', budget: '' })).toMatchObject({
      geoCenterText: null,
      geoRadiusKm: null,
      geoRegionsJson: null,
      budgetOverride: null,
    });
    expect(bodyOf({ ...EMPTY, budget: ' 1200,50 ' }).budgetOverride).toBe(1200.5);
  });

  test.each([
    ['radius', '0'],
    ['radius', '81'],
    ['radius', '2.5'],
    ['radius', 'far'],
    ['budget', '0'],
    ['budget', '-1'],
    ['budget', 'much'],
    ['budget', 'Infinity'],
  ] as const)('refuses %s of %s beside the field', (field, typed) => {
    expect(Object.keys(errorsIn({ ...EMPTY, [field]: typed }))).toEqual([field]);
  });

  test.each([{ radius: '1' }, { radius: '80' }, { radius: '' }, { budget: '' }, { budget: '0,5' }])(
    'lets %o pass: a gap makes a draft and is no error',
    (typed) => {
      expect(errorsIn({ ...EMPTY, ...typed })).toEqual({});
    },
  );

  test('needs a format', () => {
    expect(errorsIn({ ...EMPTY, formats: [] }).formats).toBeDefined();
  });

  test('is complete with a place and a radius, or with a region', () => {
    expect(isComplete({ ...EMPTY, centre: 'Lund' })).toBe(true);
    expect(isComplete({ ...EMPTY, centre: ' ' })).toBe(false);
    expect(isComplete({ ...EMPTY, centre: 'Lund', radius: '' })).toBe(false);
    expect(isComplete({ ...EMPTY, geoMode: 'regions', centre: 'Lund' })).toBe(false);
    expect(isComplete({ ...EMPTY, geoMode: 'regions', regions: ['Skåne'] })).toBe(true);
  });

  test('is the same after spaces, and another after a change', () => {
    expect(isSame({ ...EMPTY, centre: 'Lund ' }, { ...EMPTY, centre: 'Lund' })).toBe(true);
    expect(isSame({ ...EMPTY, centre: 'Lund' }, EMPTY)).toBe(false);
    expect(isSame({ ...EMPTY, radius: 'x' }, { ...EMPTY, radius: 'y' })).toBe(false);
  });
});

test('complaints of the gateway stand beside their fields, those of list items too', () => {
  const problem = new Problem({
    status: 400,
    code: 'VALIDATION_ERROR',
    message: 'Too far',
    issues: [
      { path: ['geoRadiusKm'], message: 'Too far' },
      { path: ['geoRadiusKm'], message: 'Much too far' },
      { path: ['geoRegionsJson', 2], message: 'Too long' },
      { path: ['somethingNew'], message: 'What?' },
    ],
  });
  expect(errorsOf(problem)).toEqual({ radius: 'Too far', regions: 'Too long' });
});
