"""The words by which a census is recognised: column names, statuses, pay bases, totals, months.

All are compared as :func:`folded` returns them: in lower case, without accents, with one blank
between words.
"""

import re
import unicodedata
from itertools import pairwise

from simulation.census.columns.mapping import CensusField, PayBasis

# The names of each column, the most specific first: of two that are in a file, the first is taken.
COLUMN_NAMES: dict[CensusField, str] = {
    "employee_id": (
        "employee id, employee number, employee no, employee nr, employee num, employee code, "
        "employee key, employee, emp id, emp number, emp no, emp num, emp code, empl id, emplid, "
        "empid, empno, eeid, ee id, ee number, staff id, staff number, staff no, worker id, "
        "worker number, associate id, person id, person number, personnel number, personnel no, "
        "personnel id, persnr, pers nr, pernr, payroll id, payroll number, badge number, badge, "
        "file number, personalnummer, personal nr, personalnr, mitarbeiternummer, "
        "mitarbeiter nr, mitarbeiternr, mitarbeiter id, mitarbeiterid, mitarbeiter, matricule, "
        "numero employe, "
        "id employe, numero de empleado, id empleado, no empleado, legajo, codigo empleado, "
        "matricola, id dipendente, codice dipendente, personeelsnummer, medewerkernummer, "
        "numero de funcionario, matricula, member id, user id, uid, id, number"
    ),
    "hire_date": (
        "hire date, date hired, date of hire, hired on, hired, hire dt, hire, hiring date, "
        "original hire date, orig hire date, first hired, employment start date, "
        "employment start, date of employment, employment date, employed since, joining date, "
        "join date, date joined, date of joining, doj, joined on, joined, start date, "
        "date started, "
        "started on, start dt, started, start, entry date, date of entry, service date, "
        "service start, agency start date, company start date, most recent hire date, "
        "last hire date, latest hire date, appointment date, onboarding date, begin date, "
        "eintrittsdatum, eintritt, einstellungsdatum, einstellung, beginn, "
        "beschaftigt seit, date d embauche, date embauche, embauche, date d entree, date entree, "
        "date de debut, fecha de ingreso, fecha ingreso, fecha de contratacion, fecha de alta, "
        "fecha alta, fecha de inicio, data di assunzione, data assunzione, assunzione, "
        "datum in dienst, in dienst, indiensttreding, startdatum, data de admissao, admissao"
    ),
    "annual_compensation": (
        "annual compensation, annual salary, annual base salary, annual base pay, annual pay, "
        "annual rate, annualized salary, annualised salary, annual wage, annual wages, "
        "annual gross, yearly salary, yearly pay, base annual salary, base salary, base pay, "
        "basic salary, basic pay, base compensation, salary, salary amount, compensation, "
        "compensation rate, comp rate, comp, current salary, gross salary, gross pay, "
        "monthly salary, monthly pay, monthly rate, weekly pay, weekly wage, daily rate, "
        "hourly rate, hourly pay, hourly wage, hourly, pay rate, rate of pay, pay amount, pay, "
        "wage, wages, rate, earnings, total compensation, remuneration, income, jahresgehalt, "
        "jahresbruttogehalt, jahresbrutto, bruttojahresgehalt, jahreslohn, jahreseinkommen, "
        "grundgehalt, bruttogehalt, gehalt, monatsgehalt, monatslohn, stundenlohn, lohn, "
        "vergutung, salaire annuel, salaire annuel brut, salaire de base, salaire brut, salaire, "
        "salaire mensuel, taux horaire, salario anual, salario base, salario bruto, salario, "
        "salario mensual, sueldo anual, sueldo, retribucion, stipendio annuo, stipendio, "
        "retribuzione annua lorda, retribuzione, ral, jaarsalaris, bruto jaarsalaris, salaris, "
        "maandsalaris, uurloon, remuneracao"
    ),
    "birth_date": (
        "birth date, birthdate, date of birth, dob, birthday, birth dt, birth, born on, born, "
        "geburtsdatum, geburtstag, geb datum, geboren am, geboren, geb, date de naissance, "
        "date naissance, naissance, ne le, fecha de nacimiento, fecha nacimiento, nacimiento, "
        "data di nascita, data nascita, nascita, geboortedatum, data de nascimento, nascimento"
    ),
    "level": (
        "level, job level, employee level, grade level, grade, job grade, pay grade, "
        "salary grade, band, job band, pay band, stufe, karrierestufe, niveau, nivel, livello"
    ),
    "termination_date": (
        "termination date, terminated on, terminated, date terminated, date of termination, term "
        "date, termination dt, term dt, termination, leave date, leaving date, date of leaving, "
        "date left, left on, left, leaver date, exit date, date of exit, separation date, date of "
        "separation, employment end date, employment end, end date, date ended, ended on, end dt, "
        "end, last day, last day worked, last working day, last day of work, departure date, "
        "resignation date, resigned on, resigned, separated on, separated, exited on, exited, "
        "exit, retired on, employed until, employed to, employment until, until, valid to, "
        "contract ended, austrittsdatum, austritt, ausgetreten am, ausgetreten, ausgeschieden am, "
        "ausgeschieden, beschaftigt bis, gultig bis, kundigungsdatum, ende, date de sortie, date "
        "sortie, sortie, date de depart, date depart, date de fin, fin de contrat, fecha de baja, "
        "fecha baja, fecha de salida, fecha de termino, fecha de cese, fecha de egreso, fecha "
        "egreso, fecha fin, data cessazione, data di cessazione, data uscita, datum uit dienst, "
        "uit dienst, uitdiensttreding, einddatum, data de demissao, demissao"
    ),
    "department": (
        "department, department name, dept, dept name, department description, agency, "
        "agency name, business unit, division, organization, organisation, org unit, "
        "org unit name, organizational unit, unit, team, function, department code, dept code, "
        "dept id, department id, cost center, cost centre, abteilung, bereich, "
        "organisationseinheit, kostenstelle, departement, service, direction, departamento, area, "
        "dipartimento, reparto, afdeling"
    ),
    "status": (
        "employment status, employee status, emp status, empl status, worker status, hr status, "
        "active status, job status, status, status description, is active, active, current, "
        "beschaftigungsstatus, mitarbeiterstatus, aktiv, statut, actif, estado laboral, estado, "
        "situacion, activo, stato, attivo, situacao"
    ),
    "fte": (
        "fte, full time equivalent, full time equivalency, fte percent, fte pct, fte factor, "
        "percent employed, percent of full time, employment percentage, workload, "
        "beschaftigungsgrad, arbeitszeitfaktor, pensum, vza, vollzeitaquivalent, etp, "
        "taux d activite, quotite, jornada, fte percentuale, dienstverband"
    ),
    "pay_basis": (
        "pay basis, salary basis, compensation basis, comp basis, rate basis, wage basis, "
        "pay type, salary type, wage type, comp type, compensation type, rate type, "
        "pay frequency, comp frequency, compensation frequency, salary frequency, pay unit, "
        "unit of pay, rate unit, salary unit, pay period, pay per, per, hourly or salary, "
        "salary or hourly, salaried or hourly, lohnart, entgeltart, abrechnungsart, "
        "periodicite, frecuencia de pago, tipo de salario, tipo salario"
    ),
    "position": (
        "position, position title, position number, position id, job, job title, job code, "
        "job id, job name, title, role, assignment, assignment number, funktion, stelle, "
        "position name, poste, emploi, puesto, cargo, mansione, functie"
    ),
    "job_family": (
        "job family, job family name, job family description, job group, job group name, "
        "job family group, job class, job classification, job category, occupational group, "
        "occupation group, occupational family, occupational category, occupational series, "
        "occupation, job series, career family, career stream, jobfamilie, berufsgruppe, "
        "berufsfamilie, tatigkeitsgruppe, famille de metiers, famille d emplois, "
        "famille professionnelle, categorie professionnelle, familia de puestos, "
        "familia profesional, grupo ocupacional, grupo profesional, famiglia professionale, "
        "famiglia di ruoli, functiefamilie, functiegroep, beroepsgroep, familia de cargos"
    ),
}  # fmt: skip

# A longer name with one of these words is that of another thing, such as `manager id`.
OTHER_THINGS: dict[CensusField, str] = {
    "employee_id": (
        "manager supervisor department dept position job location site cost company tax social "
        "national line email phone mentor count fte hours years status type name class"
    ),
    "hire_date": (
        "rehire birth term termination end manager leave exit probation contract job position "
        "pay payroll benefit fiscal review vacation source type"
    ),
    "annual_compensation": (
        "bonus overtime variable target currency grade band group basis type frequency date id "
        "range minimum min maximum max midpoint mid scale ytd code step plan level unit effective "
        "period class review ratio increase change previous prior last period status"
    ),
    "birth_date": "place country city year month spouse child",
    "level": "education language security minimum maximum name title code salary pay date",
    "termination_date": (
        "reason type code probation contract project review fiscal vacation benefit absence "
        "start hire birth return trial month pay period"
    ),
    "department": "head manager date budget count start",
    "status": "marital flsa tax visa residency citizenship exempt union veteran date approval",
    "fte": "hours reason date",
    "pay_basis": "date group",
    "position": "date level count grade status family manager",
    "job_family": "date code level size leave status income members count manager id",
}

_EMPLOYED = (
    "active, a, employed, current, current employee, yes, y, true, 1, regular, permanent, "
    "temporary, full time, part time, full time active, part time active, probation, "
    "probationary, active employee, working, in service, on leave, leave, loa, l, "
    "leave of absence, leave with pay, paid leave, unpaid leave, leave without pay, "
    "leave of absence paid, leave of absence unpaid, maternity leave, paternity leave, "
    "parental leave, family leave, medical leave, sick leave, short term disability, "
    "long term disability, disability leave, sabbatical, military leave, furlough, "
    "furloughed, suspended, garden leave, notice period, on notice, notice given, "
    "aktiv, beschaftigt, angestellt, ja, elternzeit, mutterschutz, beurlaubt, krank, ruhend, "
    "actif, active e, en poste, oui, en conge, conge parental, activo, activa, alta, "
    "en activo, si, vigente, licencia, attivo, attiva, in forza, in servizio, actief, "
    "in dienst, ativo, ativa, wahr, vrai"
)
_LEFT = (
    "terminated, termination, term, t, inactive, i, left, leaver, former, former employee, "
    "ex employee, resigned, resignation, retired, retiree, retirement, r, deceased, d, dead, "
    "separated, separation, dismissed, discharged, laid off, layoff, redundant, quit, "
    "exited, ended, closed, no, n, false, 0, not active, non active, not employed, "
    "terminated with pay, terminated pension pay out, retired with pay, withdrawn, pending, "
    "pending hire, future hire, pre hire, prehire, offer, offer accepted, not started, "
    "inaktiv, ausgeschieden, ausgetreten, gekundigt, verstorben, rentner, pensioniert, "
    "ruhestand, im ruhestand, nein, inactif, inactive e, sorti, parti, demissionne, "
    "licencie, retraite, decede, non, inactivo, inactiva, baja, de baja, despedido, "
    "jubilado, cesado, fallecido, inattivo, inattiva, cessato, cessata, dimesso, "
    "licenziato, pensionato, inactief, uit dienst, vertrokken, inativo, desligado, "
    "demitido, aposentado, falsch, faux"
)
STATUSES: dict[str, bool] = {
    word: is_active
    for words, is_active in ((_EMPLOYED, True), (_LEFT, False))
    for word in words.split(", ")
}

_BASIS_WORDS: dict[PayBasis, str] = {
    "hourly": (
        "hourly, hour, hours, hr, hrly, h, per hour, an hour, hourly rate, stundlich, stunde, "
        "std, pro stunde, stundenlohn, horaire, heure, par heure, por hora, hora, horario, "
        "orario, ora, uur, per uur, uurloon"
    ),
    "daily": "daily, day, per day, per diem, diem, d, taglich, tag, tagessatz, jour, dia, giorno",
    "weekly": "weekly, week, wk, w, per week, wochentlich, woche, hebdomadaire, semaine, semanal",
    "biweekly": "biweekly, bi weekly, fortnightly, every two weeks, every 2 weeks, bw",
    "semimonthly": "semimonthly, semi monthly, twice a month, twice monthly, sm, quincenal",
    "monthly": (
        "monthly, month, mth, m, per month, monatlich, monat, pro monat, monatsgehalt, "
        "monatslohn, mensuel, mensual, mensile, mois, mes, mese, par mois, maandelijks, maand, "
        "maandsalaris, mensal"
    ),
    "annual": (
        "annual, annually, annualized, annualised, yearly, year, yr, y, a, per year, per annum, "
        "pa, annum, salary, salaried, sal, s, jahrlich, jahr, pro jahr, jahresgehalt, gehalt, "
        "annuel, an, annee, anual, ano, annuo, anno, jaarlijks, jaar, p a"
    ),
}
PAY_BASES: dict[str, PayBasis] = {
    word: basis for basis, words in _BASIS_WORDS.items() for word in words.split(", ")
}

# What is written for a currency, besides its sign in Unicode.
_CURRENCY_WORDS = {
    "AUD": "aud, a$",
    "BRL": "brl, r$",
    "CAD": "cad, c$",
    "CHF": "chf, fr, fr., sfr, sfr.",
    "CNY": "cny",
    "CZK": "czk, kč",
    "DKK": "dkk",
    "EUR": "eur, euro, €",
    "GBP": "gbp, £",
    "HKD": "hkd",
    "HUF": "huf, ft",
    "ILS": "ils, ₪",
    "INR": "inr, rs, rs., ₹",
    "JPY": "jpy",
    "MXN": "mxn",
    "NOK": "nok",
    "NZD": "nzd",
    "PLN": "pln, zł",
    "RON": "ron, lei",
    "SEK": "sek",
    "SGD": "sgd",
    "TRY": "try, ₺",
    "USD": "usd, us$",
    "ZAR": "zar",
    "$": "$, dollar, dollars",
    "kr": "kr, kr.",
}
# A sign that several countries use goes with the code of each of them.
SHARED_SIGNS = {
    "$": frozenset({"AUD", "CAD", "HKD", "MXN", "NZD", "SGD", "USD"}),
    "kr": frozenset({"DKK", "NOK", "SEK"}),
}
CURRENCIES = {word: code for code, words in _CURRENCY_WORDS.items() for word in words.split(", ")}

# Factors that are proposed, never applied unasked: 52 weeks of 40 hours and 5 days.
USUAL_FACTORS: dict[PayBasis, float] = {
    "hourly": 2080,
    "daily": 260,
    "weekly": 52,
    "biweekly": 26,
    "semimonthly": 24,
    "monthly": 12,
    "annual": 1,
}

# RE2 patterns, without regard to case, of the first text of a row that sums up others.
_TOTAL = (
    r"(sub|grand|running|overall|general|report|company|final)?[\s-]*totals?|"
    r"(gesamt|end|zwischen|teil)?summen?|gesamt(ergebnis|betrag)?|insgesamt|"
    r"(sous|grand)?[\s-]*total( g[eé]n[eé]ral)?|totale( generale)?|somme|suma|somma|"
    r"(sub|eind)?totaa?l|total geral|totales|(del|i )?total?t|i alt|summa|yhteens[aä]|razem|suma|"
    r"og[oó][lł]em|[oö]sszesen|celkem|spolu|ukupno|toplam|jumlah|итого|всего|разом|общо|"
    r"σύνολο|合計|合计|小計|小计|総計|总计|Σ"
)
TOTALS_ROW = (
    rf"^\W*({_TOTAL}|average|avg|mean|median|count|head ?count|durchschnitt|mittelwert|anzahl|"
    rf"moyenne|promedio|media|sum|row count|number of (rows|employees|records))(\W|\d|$)"
    rf"|(^|\s)({_TOTAL})\W*$"
)

# How notes below a table begin: with a mark, a usual word, or no letter at all.
FOOTNOTE = (
    r"^\W*[*†‡§¹²³⁴⁵]|^\(?\d{1,2}[).]\s|^\W+$|^\W*(source|note|notes|nb|n\.b\.|remark|remarks|legend|"
    r"disclaimer|footnotes?|comments?|as (of|at)|status as|data as|generated|exported|extracted|"
    r"printed|created|prepared|produced|run (on|date|by)|report|page|confidential|"
    r"strictly confidential|internal use|for internal|end of|includes?|including|excludes?|"
    r"excluding|copyright|©|quellen?|stand|hinweis|hinweise|anmerkung|anmerkungen|bemerkung|"
    r"erstellt|vertraulich|seite|legende|nur|fuente|nota|notas|fecha de|confidencial|p[aá]gina|"
    r"remarque|remarques|note de|au \d|[eé]dit[eé]|confidentiel|fonte|bron|opmerking)(\W|$)"
)
# Text that may be such a note where no id has this many words.
WORDS_OF_A_NOTE = r"\S+\s+\S*\pL{2}\S*\s+\S+"

_SHORTEST_WORD = 3  # of a basis in a longer name
_MONTHS = (
    "january february march april may june july august september october november december",
    "januar februar marz april mai juni juli august september oktober november dezember",
    "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "januari februari maart april mei juni juli augustus september oktober november december",
    "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
)


def folded(text: str) -> str:
    """Return the words of a text in lower case without accents: ``EmployeeID`` is ``employee id``.

    Words that only a change of case separates are separated too, and signs become blanks.
    """
    split = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", text)
    plain = unicodedata.normalize("NFKD", split.replace("ß", "ss"))
    letters = "".join(sign for sign in plain if not unicodedata.combining(sign))
    return " ".join(re.findall(r"[^\W_]+", letters.casefold()))


def month_numbers() -> dict[str, int]:
    """Return the number of each month by its names and their beginnings of 3 letters or more."""
    numbers: dict[str, int] = {"mrz": 3, "mrt": 3, "sept": 9}
    ambiguous: set[str] = set()
    for language in _MONTHS:
        for number, name in enumerate(language.split(), start=1):
            for length in range(3, len(name) + 1):
                if numbers.setdefault(name[:length], number) != number:
                    ambiguous.add(name[:length])
    return {word: number for word, number in numbers.items() if word not in ambiguous}


def basis_in_name(name: str) -> PayBasis | None:
    """Return the basis that the name of a pay column states, such as ``Hourly Rate``."""
    words = folded(name).split()
    phrases = [*(" ".join(pair) for pair in pairwise(words)), *words]
    return next(
        (
            basis
            for phrase in phrases
            if phrase in PAY_BASES
            and len(phrase) >= _SHORTEST_WORD
            and (basis := PAY_BASES[phrase]) != "annual"
        ),
        None,
    )
