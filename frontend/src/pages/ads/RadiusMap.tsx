import { Stack, Text } from '@mantine/core';

import { adsTexts } from '../../texts/ads';
import {
  gridLines,
  isCovered,
  isInView,
  pathOf,
  PICTURE,
  projection,
  scaleBarKm,
  unitsPerKm,
  withRoom,
} from './map';
import { coasts, type Place, placeNamed, PLACES } from './places';
import classes from './RadiusMap.module.css';

const words = adsTexts.map;
const COASTS = coasts();

/** The circle around a place, drawn from what is built in: it says so when the place is not. */
export function RadiusMap({ centre, radiusKm }: { centre: string; radiusKm: number }) {
  const place = placeNamed(centre);
  const name = centre.trim();
  const scale = unitsPerKm(radiusKm);
  return (
    <Stack gap={6}>
      <svg
        viewBox={`0 0 ${PICTURE.side} ${PICTURE.side}`}
        className={classes.picture}
        role="img"
        aria-label={words.label(radiusKm, name || words.unknownPlace)}
      >
        {place === undefined ? (
          <rect width={PICTURE.side} height={PICTURE.side} className={classes.unknown} />
        ) : (
          <Surroundings place={place} scale={scale} />
        )}
        <circle cx={PICTURE.middle} cy={PICTURE.middle} r={radiusKm * scale} className={classes.area} />
        <circle cx={PICTURE.middle} cy={PICTURE.middle} r={0.9} className={classes.dot} />
        {place !== undefined && <Towns place={place} scale={scale} />}
        <ScaleBar scale={scale} />
      </svg>
      <Text size="xs" c="dimmed" maw="26rem">
        {noteOn(name, place)}
      </Text>
    </Stack>
  );
}

function noteOn(name: string, place: Place | undefined): string {
  if (name === '') return words.empty;
  if (place === undefined) return words.unknown(name);
  return isCovered(place) ? words.about : words.noCoast;
}

function Surroundings({ place, scale }: { place: Place; scale: number }) {
  const project = projection(place, scale);
  const rings = COASTS.map((ring) => ring.map(project)).filter(isInView);
  const { meridians, parallels } = gridLines(place, scale);
  return (
    <g aria-hidden>
      <path d={rings.map(pathOf).join('')} className={classes.land} />
      {meridians.map((degrees) => {
        const [x] = project([degrees, place.latitude]);
        return <line key={degrees} x1={x} x2={x} y1={0} y2={PICTURE.side} className={classes.grid} />;
      })}
      {parallels.map((degrees) => {
        const [, y] = project([place.longitude, degrees]);
        return <line key={degrees} x1={0} x2={PICTURE.side} y1={y} y2={y} className={classes.grid} />;
      })}
    </g>
  );
}

const EDGE = 3;

function Towns({ place, scale }: { place: Place; scale: number }) {
  const project = projection(place, scale);
  const others = PLACES.filter((town) => town !== place);
  const spots = [place, ...others].map((town) => ({
    name: town.name,
    at: project([town.longitude, town.latitude]),
  }));
  const towns = withRoom(
    spots.filter(({ at }) => at.every((unit) => unit > EDGE && unit < PICTURE.side - EDGE)),
  );
  return (
    <g aria-hidden>
      {towns.map(({ name, at: [x, y] }) => {
        const isRight = x > PICTURE.side * 0.75;
        return (
          <g key={name}>
            <circle cx={x} cy={y} r={0.7} className={classes.town} />
            <text
              x={isRight ? x - 1.5 : x + 1.5}
              y={y - 1}
              textAnchor={isRight ? 'end' : 'start'}
              className={classes.name}
            >
              {name}
            </text>
          </g>
        );
      })}
    </g>
  );
}

function ScaleBar({ scale }: { scale: number }) {
  const km = scaleBarKm(scale);
  const [left, bottom] = [5, PICTURE.side - 5];
  const right = left + km * scale;
  return (
    <g aria-hidden>
      <path d={`M${left} ${bottom - 2}V${bottom}H${right}V${bottom - 2}`} className={classes.bar} />
      <text x={right + 1.5} y={bottom} className={classes.barName}>
        {words.bar(km)}
      </text>
    </g>
  );
}
