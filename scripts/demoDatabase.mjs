// Three versions of an invented energy-system model, as a modelling group would make them: for the demo and the tests.
// Everything comes from a seeded generator and nothing from the clock, so every run writes the same bytes.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import initSqlJs from 'sql.js';

const REGIONS = ['NORD', 'SUED', 'OST', 'WEST', 'MITTE', 'KUESTE', 'ALPEN', 'INSEL'];
const PERIODS = [2025, 2030, 2035, 2040, 2045, 2050];
const SEASONS = ['winter', 'spring', 'summer', 'autumn'];
const HOURS = Array.from({ length: 24 }, (_, hour) => `H${String(hour).padStart(2, '0')}`);

/** Name, kind, what it stands for. */
const COMMODITIES = /** @type {const} */ ([
  ['SUN', 'source', 'Solar radiation'],
  ['WIND', 'source', 'Wind'],
  ['WATER', 'source', 'River and reservoir inflow'],
  ['GAS', 'fuel', 'Natural gas'],
  ['COAL', 'fuel', 'Hard coal'],
  ['OIL', 'fuel', 'Mineral oil products'],
  ['BIO', 'fuel', 'Solid biomass'],
  ['URAN', 'fuel', 'Enriched uranium'],
  ['H2', 'carrier', 'Hydrogen'],
  ['ELC', 'carrier', 'Electricity, transmission grid'],
  ['HEAT', 'demand', 'Low-temperature heat'],
  ['LIGHT', 'demand', 'Lighting and appliances'],
  ['STEAM', 'demand', 'Industrial process heat'],
  ['TRANSPORT', 'demand', 'Road transport'],
  ['CO2', 'emission', 'Carbon dioxide'],
]);

/** Name, sector, input, output, efficiency, investment (EUR/kW in 2025), yearly change of it, tonnes of CO2 a GWh in. */
const TECHNOLOGIES = /** @type {const} */ ([
  ['PV_ROOF', 'power', 'SUN', 'ELC', 1, 1150, -0.021, 0],
  ['PV_FIELD', 'power', 'SUN', 'ELC', 1, 640, -0.024, 0],
  ['WIND_ONSHORE', 'power', 'WIND', 'ELC', 1, 1390, -0.012, 0],
  ['WIND_OFFSHORE', 'power', 'WIND', 'ELC', 1, 3250, -0.019, 0],
  ['HYDRO_RIVER', 'power', 'WATER', 'ELC', 0.9, 3100, 0.002, 0],
  ['HYDRO_RESERVOIR', 'power', 'WATER', 'ELC', 0.88, 2600, 0.002, 0],
  ['GAS_TURBINE', 'power', 'GAS', 'ELC', 0.39, 480, -0.003, 201],
  ['GAS_COMBINED', 'power', 'GAS', 'ELC', 0.59, 870, -0.004, 201],
  ['COAL_STEAM', 'power', 'COAL', 'ELC', 0.43, 1700, 0, 338],
  ['BIO_STEAM', 'power', 'BIO', 'ELC', 0.33, 2450, -0.005, 12],
  ['NUCLEAR_LARGE', 'power', 'URAN', 'ELC', 0.34, 7200, 0.004, 0],
  ['BATTERY', 'storage', 'ELC', 'ELC', 0.92, 780, -0.034, 0],
  ['PUMPED_HYDRO', 'storage', 'ELC', 'ELC', 0.78, 1900, 0.001, 0],
  ['ELECTROLYSER', 'carrier', 'ELC', 'H2', 0.67, 1250, -0.029, 0],
  ['H2_TURBINE', 'power', 'H2', 'ELC', 0.4, 560, -0.008, 0],
  ['HEATPUMP_AIR', 'heat', 'ELC', 'HEAT', 2.9, 980, -0.011, 0],
  ['HEATPUMP_GROUND', 'heat', 'ELC', 'HEAT', 3.8, 1720, -0.009, 0],
  ['BOILER_GAS', 'heat', 'GAS', 'HEAT', 0.94, 240, 0, 201],
  ['BOILER_OIL', 'heat', 'OIL', 'HEAT', 0.89, 290, 0, 266],
  ['BOILER_BIO', 'heat', 'BIO', 'HEAT', 0.85, 610, -0.002, 12],
  ['LAMP_LED', 'appliance', 'ELC', 'LIGHT', 0.41, 130, -0.018, 0],
  ['LAMP_OTHER', 'appliance', 'ELC', 'LIGHT', 0.17, 60, 0, 0],
  ['FURNACE_GAS', 'industry', 'GAS', 'STEAM', 0.88, 320, 0, 201],
  ['FURNACE_COAL', 'industry', 'COAL', 'STEAM', 0.81, 410, 0, 338],
  ['FURNACE_ELECTRIC', 'industry', 'ELC', 'STEAM', 0.97, 380, -0.007, 0],
  ['FURNACE_H2', 'industry', 'H2', 'STEAM', 0.9, 450, -0.012, 0],
  ['CAR_PETROL', 'transport', 'OIL', 'TRANSPORT', 0.24, 310, 0.003, 266],
  ['CAR_ELECTRIC', 'transport', 'ELC', 'TRANSPORT', 0.78, 420, -0.026, 0],
  ['TRUCK_DIESEL', 'transport', 'OIL', 'TRANSPORT', 0.31, 520, 0.002, 266],
  ['TRUCK_H2', 'transport', 'H2', 'TRANSPORT', 0.42, 1150, -0.022, 0],
]);

/** @typedef {readonly [string, string, string, string, number, number, number, number]} Technology */

/** @type {Technology} the one that v2 adds */
const NEW_TECHNOLOGY = ['NUCLEAR_SMALL', 'power', 'URAN', 'ELC', 0.33, 6400, -0.013, 0];
const NEW_TECHNOLOGY_FROM = 2035;

const SCHEMA = `
CREATE TABLE regions (region TEXT PRIMARY KEY, name TEXT NOT NULL, population INTEGER);
CREATE TABLE periods (period INTEGER PRIMARY KEY, years INTEGER NOT NULL DEFAULT 5);
CREATE TABLE time_slices (season TEXT, hour TEXT, share REAL NOT NULL CHECK (share > 0), PRIMARY KEY (season, hour));
CREATE TABLE commodities (commodity TEXT PRIMARY KEY, kind TEXT NOT NULL, description TEXT);
CREATE TABLE technologies (tech TEXT PRIMARY KEY, sector TEXT NOT NULL, description TEXT, lifetime INTEGER NOT NULL);
CREATE TABLE efficiencies (
  region TEXT REFERENCES regions, input TEXT REFERENCES commodities, tech TEXT REFERENCES technologies, vintage INTEGER,
  output TEXT REFERENCES commodities, efficiency REAL NOT NULL, PRIMARY KEY (region, input, tech, vintage, output));
CREATE TABLE existing_capacities (
  region TEXT REFERENCES regions, tech TEXT REFERENCES technologies, vintage INTEGER, capacity REAL NOT NULL,
  unit TEXT NOT NULL DEFAULT 'MW', PRIMARY KEY (region, tech, vintage));
CREATE TABLE capacity_factors (
  region TEXT REFERENCES regions, season TEXT, hour TEXT, tech TEXT REFERENCES technologies, factor REAL NOT NULL,
  PRIMARY KEY (region, season, hour, tech), FOREIGN KEY (season, hour) REFERENCES time_slices);
CREATE TABLE demands (
  region TEXT REFERENCES regions, period INTEGER REFERENCES periods, commodity TEXT REFERENCES commodities,
  demand REAL NOT NULL, unit TEXT NOT NULL DEFAULT 'GWh', PRIMARY KEY (region, period, commodity));
CREATE TABLE demand_profiles (
  region TEXT REFERENCES regions, season TEXT, hour TEXT, commodity TEXT REFERENCES commodities, share REAL NOT NULL,
  PRIMARY KEY (region, season, hour, commodity), FOREIGN KEY (season, hour) REFERENCES time_slices);
CREATE TABLE costs_invest (
  region TEXT REFERENCES regions, tech TEXT REFERENCES technologies, vintage INTEGER, cost REAL NOT NULL,
  unit TEXT NOT NULL DEFAULT 'EUR/kW', notes TEXT, PRIMARY KEY (region, tech, vintage));
CREATE TABLE costs_fixed (
  region TEXT REFERENCES regions, period INTEGER REFERENCES periods, tech TEXT REFERENCES technologies, vintage INTEGER,
  cost REAL NOT NULL, PRIMARY KEY (region, period, tech, vintage));
CREATE TABLE emissions (
  region TEXT REFERENCES regions, emission TEXT REFERENCES commodities, tech TEXT REFERENCES technologies,
  vintage INTEGER, activity REAL NOT NULL, PRIMARY KEY (region, emission, tech, vintage));
CREATE TABLE revisions (id INTEGER PRIMARY KEY, author TEXT NOT NULL, note TEXT NOT NULL, checksum BLOB);
CREATE INDEX costs_invest_by_tech ON costs_invest (tech, vintage);
CREATE VIEW costs_of_2050 AS SELECT region, tech, cost FROM costs_invest WHERE vintage = 2050;
`;

/**
 * Writes the three versions into a folder.
 *
 * - v1: the model, fourteen tables and about 17,000 rows.
 * - v2: the cost curve of solar, wind, batteries and electrolysers revised; a technology added, in several tables.
 * - v3: a column added to the technologies and filled in part; the region INSEL dropped everywhere.
 *
 * @param {string} directory made if need be
 * @returns {Promise<[string, string, string]>} the paths, oldest first
 */
export async function writeDemoVersions(directory) {
  mkdirSync(directory, { recursive: true });
  const SQL = await initSqlJs();
  const db = new SQL.Database();
  const random = seededRandom(20250101);
  /** @param {number} version @param {() => void} edit */
  const write = (version, edit) => {
    db.run('PRAGMA foreign_keys = ON'); // for each version anew: export() opens the database again
    db.run('BEGIN');
    edit();
    db.run('COMMIT');
    const file = path.join(directory, `energy-v${version}.sqlite`);
    writeFileSync(file, db.export());
    return file;
  };
  try {
    return [
      write(1, () => build(db, random)),
      write(2, () => reviseCostsAndAddTechnology(db, random)),
      write(3, () => addLearningRatesAndDropRegion(db)),
    ];
  } finally {
    db.close();
  }
}

/** @param {import('sql.js').Database} db @param {() => number} random */
function build(db, random) {
  db.run(SCHEMA);
  insert(db, 'regions', ['region', 'name', 'population'], function* () {
    for (const region of REGIONS) {
      yield [region, region[0] + region.slice(1).toLowerCase(), 200_000 + Math.floor(random() * 4_000_000)];
    }
  });
  insert(db, 'periods', ['period'], () => PERIODS.map((period) => [period]));
  insert(db, 'time_slices', ['season', 'hour', 'share'], () => timeSlices().map((slice) => [...slice, 1 / 96]));
  insert(db, 'commodities', ['commodity', 'kind', 'description'], () => COMMODITIES);
  insert(db, 'demands', ['region', 'period', 'commodity', 'demand'], function* () {
    for (const region of REGIONS) {
      for (const commodity of demanded()) {
        const today = 800 + random() * 9000;
        for (const period of PERIODS)
          yield [region, period, commodity, round(today * (1 + (period - 2025) * 0.006), 1)];
      }
    }
  });
  insert(db, 'demand_profiles', ['region', 'season', 'hour', 'commodity', 'share'], function* () {
    for (const region of REGIONS) {
      for (const [season, hour] of timeSlices()) {
        for (const commodity of demanded()) yield [region, season, hour, commodity, round((0.5 + random()) / 96, 5)];
      }
    }
  });
  for (const technology of TECHNOLOGIES) addTechnology(db, random, technology, 0);
  insert(db, 'existing_capacities', ['region', 'tech', 'vintage', 'capacity'], function* () {
    for (const region of REGIONS) {
      for (const [tech] of TECHNOLOGIES) {
        for (const vintage of [2000, 2010, 2020])
          if (random() < 0.4) yield [region, tech, vintage, round(random() * 900, 1)];
      }
    }
  });
  insert(db, 'capacity_factors', ['region', 'season', 'hour', 'tech', 'factor'], function* () {
    const weatherDriven = TECHNOLOGIES.filter(([, sector, input]) => sector === 'power' && isSource(input));
    for (const region of REGIONS) {
      for (const [season, hour] of timeSlices()) {
        for (const [tech, , input] of weatherDriven) {
          const night = input === 'SUN' && (hour < 'H06' || hour > 'H20');
          yield [region, season, hour, tech, night ? 0 : round(0.05 + random() * 0.75, 4)];
        }
      }
    }
  });
  addRevision(db, random, 'First complete model');
}

/** @param {import('sql.js').Database} db @param {() => number} random */
function reviseCostsAndAddTechnology(db, random) {
  const revised = ['PV_ROOF', 'PV_FIELD', 'WIND_ONSHORE', 'WIND_OFFSHORE', 'BATTERY', 'ELECTROLYSER', 'CAR_ELECTRIC'];
  const marks = revised.map(() => '?').join(', ');
  // The learning curve turned out steeper: the further ahead, the cheaper. What is built in 2025 stays as it was.
  db.run(
    `UPDATE costs_invest SET cost = round(cost * (1 - 0.006 * (vintage - 2025)), 2) WHERE vintage > 2025 AND tech IN (${marks})`,
    revised,
  );
  db.run(`UPDATE costs_invest SET notes = 'revised learning curve' WHERE tech = 'BATTERY' AND vintage >= 2040`);
  addTechnology(db, random, NEW_TECHNOLOGY, NEW_TECHNOLOGY_FROM);
  addRevision(db, random, 'Cost curves after the 2025 review; small reactors from 2035');
}

/** @param {import('sql.js').Database} db */
function addLearningRatesAndDropRegion(db) {
  db.run('ALTER TABLE technologies ADD COLUMN learning_rate REAL');
  for (const [tech, , , , , , change] of TECHNOLOGIES) {
    if (change < -0.01)
      db.run('UPDATE technologies SET learning_rate = ? WHERE tech = ?', [round(-change * 7, 3), tech]);
  }
  const regional = ['efficiencies', 'existing_capacities', 'capacity_factors', 'demands', 'demand_profiles'];
  for (const table of [...regional, 'costs_invest', 'costs_fixed', 'emissions', 'regions']) {
    db.run(`DELETE FROM ${table} WHERE region = 'INSEL'`);
  }
  addRevision(db, seededRandom(3), 'Learning rates; INSEL is no region of its own any more');
}

/**
 * @param {import('sql.js').Database} db
 * @param {() => number} random
 * @param {Technology} technology
 * @param {number} from the first year in which it can be built
 */
function addTechnology(db, random, [tech, sector, input, output, efficiency, invest, change, co2], from) {
  const description = tech.toLowerCase().replaceAll('_', ' ');
  const vintages = PERIODS.filter((period) => period >= from);
  insert(db, 'technologies', ['tech', 'sector', 'description', 'lifetime'], () => [
    [tech, sector, description, 10 + 5 * Math.floor(random() * 8)],
  ]);
  insert(db, 'efficiencies', ['region', 'input', 'tech', 'vintage', 'output', 'efficiency'], function* () {
    for (const region of REGIONS) {
      for (const vintage of vintages) {
        yield [region, input, tech, vintage, output, round(efficiency * (1 + (vintage - 2025) * 0.0015), 4)];
      }
    }
  });
  insert(db, 'costs_invest', ['region', 'tech', 'vintage', 'cost'], function* () {
    for (const region of REGIONS) {
      const local = 0.92 + random() * 0.16;
      for (const vintage of vintages)
        yield [region, tech, vintage, round(invest * local * (1 + change * (vintage - 2025)), 2)];
    }
  });
  insert(db, 'costs_fixed', ['region', 'period', 'tech', 'vintage', 'cost'], function* () {
    for (const region of REGIONS) {
      for (const vintage of vintages) {
        const base = invest * (0.015 + random() * 0.02);
        for (const period of PERIODS) if (period >= vintage) yield [region, period, tech, vintage, round(base, 2)];
      }
    }
  });
  if (co2 === 0) return;
  insert(db, 'emissions', ['region', 'emission', 'tech', 'vintage', 'activity'], function* () {
    for (const region of REGIONS) for (const vintage of vintages) yield [region, 'CO2', tech, vintage, co2];
  });
}

/** @param {import('sql.js').Database} db @param {() => number} random @param {string} note */
function addRevision(db, random, note) {
  const checksum = Uint8Array.from({ length: 16 }, () => Math.floor(random() * 256));
  db.run('INSERT INTO revisions (author, note, checksum) VALUES (?, ?, ?)', ['modelling group', note, checksum]);
}

/**
 * @param {import('sql.js').Database} db
 * @param {string} table
 * @param {readonly string[]} columns
 * @param {() => Iterable<readonly import('sql.js').SqlValue[]>} rows
 */
function insert(db, table, columns, rows) {
  const marks = columns.map(() => '?').join(', ');
  const statement = db.prepare(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${marks})`);
  for (const row of rows()) statement.run([...row]);
  statement.free();
}

const timeSlices = () => SEASONS.flatMap((season) => HOURS.map((hour) => /** @type {const} */ ([season, hour])));
const demanded = () => COMMODITIES.filter(([, kind]) => kind === 'demand').map(([commodity]) => commodity);
/** @param {string} input */
const isSource = (input) => COMMODITIES.some(([commodity, kind]) => commodity === input && kind === 'source');
/** @param {number} value @param {number} digits */
const round = (value, digits) => Number(value.toFixed(digits));

/**
 * Mulberry32: the same numbers from 0 to 1 for the same seed, on every machine.
 *
 * @param {number} seed
 */
function seededRandom(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
