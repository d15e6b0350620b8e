-- Written before there were migrations; never changed since.
create schema raw;
CREATE TABLE raw.baseline_workforce_validated(scenario_id VARCHAR, employee_id VARCHAR, birth_date DATE, hire_date DATE, "level" INTEGER, department VARCHAR, annual_compensation DECIMAL(16,2));
insert into raw.baseline_workforce_validated values
('baseline', 'E1', null, '2020-01-01', null, null, '60000.00');
CREATE TABLE raw.census(scenario_id VARCHAR, row_number BIGINT, employee_id VARCHAR, hire_date VARCHAR, annual_compensation VARCHAR, birth_date VARCHAR, "level" VARCHAR, termination_date VARCHAR, department VARCHAR, malformed VARCHAR);
insert into raw.census values
('baseline', '1', 'E1', '2020-01-01', '60000', null, null, null, null, null),
('baseline', '2', 'E2', '2020-02-30', '60000', null, null, null, null, null);
CREATE TABLE raw.census_accepted(scenario_id VARCHAR, row_number BIGINT, employee_id VARCHAR, birth_date DATE, hire_date DATE, "level" INTEGER, department VARCHAR, annual_compensation DECIMAL(16,2), termination_date DATE);
insert into raw.census_accepted values
('baseline', '1', 'E1', null, '2020-01-01', null, null, '60000.00', null);
CREATE TABLE raw.census_data_validation(scenario_id VARCHAR, census_name VARCHAR, rows_read BIGINT, rows_accepted BIGINT, rows_rejected BIGINT, rows_left_before_start BIGINT, rows_without_birth_date BIGINT, rows_without_level BIGINT, reject_share_limit DOUBLE);
insert into raw.census_data_validation values
('baseline', 'hr', '2', '1', '1', '0', '1', '1', '1.0');
CREATE TABLE raw.census_file(scenario_id VARCHAR, path VARCHAR, "mapping" VARCHAR, rows_read BIGINT, sha256 VARCHAR, absent_columns VARCHAR[], hire_date_format VARCHAR, birth_date_format VARCHAR, termination_date_format VARCHAR);
insert into raw.census_file values
('baseline', '/data/baseline.csv', 'hr', '2', 'a267c6dddc7c624bcadadab88df92fe857a653353408526d315974ced079df09', '[birth_date, level, termination_date, department]', '%Y-%m-%d', '%Y-%m-%d', '%Y-%m-%d');
CREATE TABLE raw.census_rejects(scenario_id VARCHAR, row_number BIGINT, employee_id VARCHAR, reason VARCHAR, field VARCHAR, "value" VARCHAR);
insert into raw.census_rejects values
('baseline', '2', 'E2', 'unparseable_hire_date', 'hire_date', '2020-02-30');
CREATE TABLE raw.hire_level_mix(fingerprint VARCHAR, "level" INTEGER, "share" DECIMAL(9,6) NOT NULL, PRIMARY KEY(fingerprint, "level"));
CREATE TABLE raw.pipeline_timings(run_id VARCHAR NOT NULL, scenario_id VARCHAR NOT NULL, recorded_at TIMESTAMP NOT NULL, "scope" VARCHAR NOT NULL, "name" VARCHAR NOT NULL, status VARCHAR NOT NULL, "seconds" DOUBLE NOT NULL, row_count BIGINT, "years" INTEGER NOT NULL, seconds_limit DOUBLE);
insert into raw.pipeline_timings values
('run of baseline', 'baseline', '2026-11-29 06:53:56.877255', 'model', 'stg_census', 'success', '0.5', '2', '1', null),
('run of baseline', 'baseline', '2026-11-29 06:53:56.877255', 'run', 'simulation_models', 'success', '1.0', '1', '1', '60.0');
CREATE TABLE raw.simulation_config(scenario_id VARCHAR NOT NULL, "configuration" VARCHAR NOT NULL, is_resumed BOOLEAN NOT NULL, recorded_at TIMESTAMP NOT NULL);
insert into raw.simulation_config values
('baseline', '{"simulation":{"start_year":2025,"end_year":2029,"random_seed":42,"target_growth_rate":0.03},"workforce":{"total_termination_rate":0.12,"new_hire_termination_rate":0.25,"minimum_days_before_leaving":30},"hiring":{"pay_percentile":0.5,"level_mix":[]},"compensation":{"cola_rate":0.025,"merit_budget":0.04,"raise_date":"07-15","raise_minimum_tenure":1,"promotion_date":"02-01","promotion_minimum_tenure":1,"promotion_age_limit":65,"promotion_increase":0.2,"promotion_increase_spread":0.05,"promotion_increase_cap":0.3},"census":{"path":null,"mapping":null,"mappings":{"standard":{"columns":{"employee_id":"employee_id","hire_date":"hire_date","annual_compensation":"annual_compensation","birth_date":"birth_date","level":"level","termination_date":"termination_date","department":"department"},"date_format":"%Y-%m-%d","encoding":"utf-8","delimiter":null},"city_payroll":{"columns":{"employee_id":"employee_id","hire_date":"hire_date","annual_compensation":"annual_salary","department":"agency"},"date_format":"%Y-%m-%d","encoding":"utf-8","delimiter":null}},"maximum_reject_share":0.05,"generated_size":10000,"generated_seed":1},"limits":{"growth_tolerance":0.005,"run_seconds":60.0,"minimum_rows_per_second":1000.0}}', 'false', '2026-11-29 06:53:55.7442');
CREATE TABLE raw.simulation_configurations(fingerprint VARCHAR PRIMARY KEY, scenario_id VARCHAR NOT NULL, "configuration" VARCHAR NOT NULL, recorded_at TIMESTAMP NOT NULL);
insert into raw.simulation_configurations values
('e761c4b3400ac7d3', 'baseline', '{"simulation":{"start_year":2025,"end_year":2029,"random_seed":42,"target_growth_rate":0.03},"workforce":{"total_termination_rate":0.12,"new_hire_termination_rate":0.25,"minimum_days_before_leaving":30},"hiring":{"pay_percentile":0.5,"level_mix":[]},"compensation":{"cola_rate":0.025,"merit_budget":0.04,"raise_date":"07-15","raise_minimum_tenure":1,"promotion_date":"02-01","promotion_minimum_tenure":1,"promotion_age_limit":65,"promotion_increase":0.2,"promotion_increase_spread":0.05,"promotion_increase_cap":0.3},"census":{"path":null,"mapping":null,"mappings":{"standard":{"columns":{"employee_id":"employee_id","hire_date":"hire_date","annual_compensation":"annual_compensation","birth_date":"birth_date","level":"level","termination_date":"termination_date","department":"department"},"date_format":"%Y-%m-%d","encoding":"utf-8","delimiter":null},"city_payroll":{"columns":{"employee_id":"employee_id","hire_date":"hire_date","annual_compensation":"annual_salary","department":"agency"},"date_format":"%Y-%m-%d","encoding":"utf-8","delimiter":null}},"maximum_reject_share":0.05,"generated_size":10000,"generated_seed":1},"limits":{"growth_tolerance":0.005,"run_seconds":60.0,"minimum_rows_per_second":1000.0}}', '2026-11-29 06:53:56.851966');
CREATE TABLE raw.simulation_parameters(fingerprint VARCHAR, scenario_id VARCHAR NOT NULL, simulation_year INTEGER, random_seed BIGINT NOT NULL, growth_millionths BIGINT NOT NULL, termination_millionths BIGINT NOT NULL, new_hire_termination_millionths BIGINT NOT NULL, minimum_days_before_leaving INTEGER NOT NULL, cola_rate DECIMAL(9,6) NOT NULL, merit_budget DECIMAL(9,6) NOT NULL, raise_date DATE NOT NULL, raise_minimum_tenure INTEGER NOT NULL, promotion_date DATE NOT NULL, promotion_minimum_tenure INTEGER NOT NULL, promotion_age_limit INTEGER NOT NULL, promotion_increase DECIMAL(9,6) NOT NULL, promotion_increase_spread DECIMAL(9,6) NOT NULL, promotion_increase_cap DECIMAL(9,6) NOT NULL, hire_pay_percentile DECIMAL(9,6) NOT NULL, growth_tolerance DOUBLE NOT NULL, PRIMARY KEY(fingerprint, simulation_year));
insert into raw.simulation_parameters values
('e761c4b3400ac7d3', 'baseline', '2025', '42', '30000', '120000', '250000', '30', '0.025000', '0.040000', '2025-07-15', '1', '2025-02-01', '1', '65', '0.200000', '0.050000', '0.300000', '0.500000', '0.005');
CREATE TABLE raw.simulation_run(scenario_id VARCHAR NOT NULL, fingerprint VARCHAR NOT NULL, run_id VARCHAR NOT NULL, start_year INTEGER NOT NULL, first_year INTEGER NOT NULL, last_year INTEGER NOT NULL, requested_at TIMESTAMP NOT NULL);
insert into raw.simulation_run values
('baseline', 'e761c4b3400ac7d3', 'run of baseline', '2025', '2025', '2025', '2026-11-29 06:53:56.851966');
CREATE TABLE raw.simulation_year_state(scenario_id VARCHAR, simulation_year INTEGER, fingerprint VARCHAR NOT NULL, run_id VARCHAR NOT NULL, active_headcount BIGINT NOT NULL, payroll DECIMAL(18,2) NOT NULL, digest VARCHAR NOT NULL, completed_at TIMESTAMP NOT NULL, PRIMARY KEY(scenario_id, simulation_year));
insert into raw.simulation_year_state values
('baseline', '2025', 'e761c4b3400ac7d3', 'run of baseline', '1', '60000.00', '330938543370570216463636142175805072551', '2026-11-29 06:53:56.860128');
