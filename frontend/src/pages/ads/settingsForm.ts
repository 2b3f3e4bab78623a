import type { Problem } from '../../api/problem';
import type { Schema } from '../../api/client';
import { adsTexts } from '../../texts/ads';
import type { SettingsView } from './prerequisites';

export type SettingsBody = Schema['AdSettingsBody'];

/** The form as typed: numbers are still text. */
export interface Form {
  geoMode: SettingsView['geoMode'];
  centre: string;
  radius: string;
  regions: string[];
  formats: SettingsBody['formatsJson'];
  cta: SettingsView['ctaType'];
  budget: string;
}

export type Field = Exclude<keyof Form, 'geoMode' | 'cta'>;
export type FieldErrors = Partial<Record<Field, string>>;

const words = adsTexts.setup.errors;

export const EMPTY: Form = {
  geoMode: 'radius',
  centre: '',
  radius: '25',
  regions: [],
  formats: ['feed', 'stories'],
  cta: 'learn_more',
  budget: '',
};

export function formOf(saved: SettingsView | null): Form {
  if (saved === null) return EMPTY;
  return {
    geoMode: saved.geoMode,
    centre: saved.geoCenterText ?? '',
    radius: saved.geoRadiusKm === null ? '' : String(saved.geoRadiusKm),
    regions: saved.geoRegionsJson ?? [],
    formats: saved.formatsJson as Form['formats'],
    cta: saved.ctaType,
    budget: saved.budgetOverride === null ? '' : String(saved.budgetOverride),
  };
}

/** What the gateway takes. Both kinds of area are kept, so that switching back loses nothing. */
export function bodyOf(form: Form): SettingsBody {
  return {
    geoMode: form.geoMode,
    geoCenterText: form.centre.trim() || null,
    geoRadiusKm: numberIn(form.radius),
    geoRegionsJson: form.regions.length > 0 ? form.regions : null,
    formatsJson: form.formats,
    ctaType: form.cta,
    budgetOverride: numberIn(form.budget),
  };
}

export const RADIUS = { min: 1, max: 80 };

/** What the gateway would refuse anyway, said before asking it. Gaps are no errors: they make a draft. */
export function errorsIn(form: Form): FieldErrors {
  const radius = numberIn(form.radius);
  const budget = numberIn(form.budget);
  return {
    ...(form.formats.length === 0 && { formats: words.formats }),
    ...(radius !== null && !isRadius(radius) && { radius: words.radius }),
    ...(budget !== null && !(budget > 0 && Number.isFinite(budget)) && { budget: words.budget }),
  };
}

/** Whether the saved form would be complete, so that it can be published. */
export function isComplete(form: Form): boolean {
  if (form.geoMode === 'regions') return form.regions.length > 0;
  const radius = numberIn(form.radius);
  return form.centre.trim() !== '' && radius !== null && isRadius(radius);
}

const FIELD_OF: Readonly<Record<string, Field>> = {
  geoCenterText: 'centre',
  geoRadiusKm: 'radius',
  geoRegionsJson: 'regions',
  formatsJson: 'formats',
  budgetOverride: 'budget',
};

/** The gateway's own complaints, by the field that they are about. */
export function errorsOf(problem: Problem): FieldErrors {
  const errors: FieldErrors = {};
  for (const { path, message } of problem.issues) {
    const field = FIELD_OF[String(path[0])];
    if (field !== undefined) errors[field] ??= message;
  }
  return errors;
}

export function isSame(one: Form, other: Form): boolean {
  return JSON.stringify(bodyOf(one)) === JSON.stringify(bodyOf(other)) && one.radius === other.radius;
}

/** The number in a field: null when it is empty, NaN when it is no number. A decimal comma counts. */
export function numberIn(text: string): number | null {
  const trimmed = text.trim().replace(',', '.');
  return trimmed === '' ? null : Number(trimmed);
}

function isRadius(value: number): boolean {
  return Number.isInteger(value) && value >= RADIUS.min && value <= RADIUS.max;
}
