-- Written before there were migrations; never changed since.
BEGIN TRANSACTION;
CREATE TABLE job_runs (
	id VARCHAR(36) NOT NULL,
	job_name VARCHAR(255) NOT NULL,
	location_name VARCHAR(255),
	requested_by VARCHAR(255) NOT NULL,
	run_config JSON NOT NULL,
	status VARCHAR(30) NOT NULL,
	run_id VARCHAR(255),
	message TEXT NOT NULL,
	created_at FLOAT NOT NULL,
	updated_at FLOAT NOT NULL,
	ended_at FLOAT,
	PRIMARY KEY (id)
);
INSERT INTO "job_runs" VALUES('af20f6ec-fe41-4ca6-8811-753fcaee866d','sync','gocardless','anna','{"ops": {"\u00e9": "\u00fc"}}','QUEUED','6a5a6f3e-0000-4000-8000-000000000001','',1750000102.729139,1750000102.771920,NULL);
INSERT INTO "job_runs" VALUES('938dbad1-a1e1-4489-b2fe-b6944081e229','simulate',NULL,'bert','{}','LAUNCHING',NULL,'',1750000102.814173,1750000102.814173,NULL);
INSERT INTO "job_runs" VALUES('4fd07516-daa6-4976-b124-6e1795a8b779','no_job',NULL,'bert','{}','REFUSED',NULL,'there is no job no_job',1750000102.835520,1750000102.850012,1750000102.849608);
CREATE INDEX job_runs_by_requester ON job_runs (requested_by, created_at);
CREATE INDEX job_runs_by_run ON job_runs (run_id);
CREATE INDEX job_runs_by_status ON job_runs (status);
COMMIT;
