-- Written before there were migrations; never changed since.
CREATE TABLE public.job_runs (
    id character varying(36) NOT NULL,
    job_name character varying(255) NOT NULL,
    location_name character varying(255),
    requested_by character varying(255) NOT NULL,
    run_config json NOT NULL,
    status character varying(30) NOT NULL,
    run_id character varying(255),
    message text NOT NULL,
    created_at double precision NOT NULL,
    updated_at double precision NOT NULL,
    ended_at double precision
);
INSERT INTO public.job_runs VALUES ('8d061859-3e9a-4f7b-9824-3f0b23f2c227', 'sync', 'gocardless', 'anna', '{"ops": {"\u00e9": "\u00fc"}}', 'QUEUED', '6a5a6f3e-0000-4000-8000-000000000001', '', 1750000104.531321, 1750000104.549182, NULL);
INSERT INTO public.job_runs VALUES ('ed2ad3db-57d8-41c5-acab-698913a0fca5', 'simulate', NULL, 'bert', '{}', 'LAUNCHING', NULL, '', 1750000104.568850, 1750000104.568850, NULL);
INSERT INTO public.job_runs VALUES ('7cd46278-1b36-473e-b743-07a35acab2e5', 'no_job', NULL, 'bert', '{}', 'REFUSED', NULL, 'there is no job no_job', 1750000104.583879, 1750000104.603428, 1750000104.603226);
ALTER TABLE ONLY public.job_runs
    ADD CONSTRAINT job_runs_pkey PRIMARY KEY (id);
CREATE INDEX job_runs_by_requester ON public.job_runs USING btree (requested_by, created_at);
CREATE INDEX job_runs_by_run ON public.job_runs USING btree (run_id);
CREATE INDEX job_runs_by_status ON public.job_runs USING btree (status);
